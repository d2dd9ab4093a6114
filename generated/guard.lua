-- Generated from protos/ by scripts/generate. Do not edit.
local FIELDS = {}
FIELDS[1] = {["adminPassword"] = 0, ["adminUsername"] = 0, ["admin_password"] = 0, ["admin_username"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["tenant"] = 10} -- hms.admin.v1.CreateTenantRequest
FIELDS[2] = {["id"] = 0} -- hms.admin.v1.GetTenantRequest
FIELDS[3] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.admin.v1.ListTenantsRequest
FIELDS[4] = {["requestId"] = 0, ["request_id"] = 0, ["tenant"] = 10, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateTenantRequest
FIELDS[5] = {["callLimits"] = 548, ["call_limits"] = 548, ["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["rateLimits"] = 547, ["rate_limits"] = 547, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.admin.v1.Tenant
FIELDS[6] = {} -- hms.admin.v1.GetSettingsRequest
FIELDS[7] = {["requestId"] = 0, ["request_id"] = 0, ["settings"] = 16, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateSettingsRequest
FIELDS[8] = {["auditRetentionYears"] = 0, ["audit_retention_years"] = 0, ["etag"] = 0, ["holidays"] = 553, ["languages"] = 1, ["passwordHistory"] = 0, ["passwordMinLength"] = 0, ["password_history"] = 0, ["password_min_length"] = 0, ["privacyOfficerEmails"] = 1, ["privacy_officer_emails"] = 1, ["reminderMinutes"] = 1, ["reminder_minutes"] = 1, ["sessionIdleSeconds"] = 0, ["sessionSeconds"] = 0, ["session_idle_seconds"] = 0, ["session_seconds"] = 0, ["timeZone"] = 0, ["time_zone"] = 0, ["tokenDigits"] = 0, ["tokenPrefix"] = 0, ["token_digits"] = 0, ["token_prefix"] = 0, ["uhidDigits"] = 0, ["uhidPrefix"] = 0, ["uhid_digits"] = 0, ["uhid_prefix"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["workingHours"] = 551, ["working_hours"] = 551} -- hms.admin.v1.Settings
FIELDS[9] = {["addressRule"] = 20, ["address_rule"] = 20, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreateAddressRuleRequest
FIELDS[10] = {["action"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["id"] = 0, ["network"] = 0, ["note"] = 0} -- hms.admin.v1.AddressRule
FIELDS[11] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.admin.v1.ListAddressRulesRequest
FIELDS[12] = {["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeleteAddressRuleRequest
FIELDS[13] = {["userId"] = 0, ["user_id"] = 0} -- hms.admin.v1.GetUserDepartmentsRequest
FIELDS[14] = {["departmentIds"] = 1, ["department_ids"] = 1, ["requestId"] = 0, ["request_id"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.admin.v1.SetUserDepartmentsRequest
FIELDS[15] = {["department"] = 32, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreateDepartmentRequest
FIELDS[16] = {["active"] = 0, ["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["description"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["locationIds"] = 1, ["location_ids"] = 1, ["parentId"] = 0, ["parent_id"] = 0, ["specialities"] = 555, ["telecoms"] = 557, ["updateTime"] = 0, ["update_time"] = 0} -- hms.admin.v1.Department
FIELDS[17] = {["id"] = 0} -- hms.admin.v1.GetDepartmentRequest
FIELDS[18] = {["code"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["parentId"] = 0, ["parent_id"] = 0, ["query"] = 0, ["showDeleted"] = 0, ["showInactive"] = 0, ["show_deleted"] = 0, ["show_inactive"] = 0} -- hms.admin.v1.ListDepartmentsRequest
FIELDS[19] = {["department"] = 32, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateDepartmentRequest
FIELDS[20] = {["practitioner"] = 42, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreatePractitionerRequest
FIELDS[21] = {["active"] = 0, ["consultationMinutes"] = 0, ["consultation_minutes"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["etag"] = 0, ["gender"] = 0, ["id"] = 0, ["identifiers"] = 561, ["names"] = 559, ["qualifications"] = 555, ["registrationNumber"] = 0, ["registration_number"] = 0, ["roles"] = 563, ["specialities"] = 555, ["telecoms"] = 557, ["updateTime"] = 0, ["update_time"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.admin.v1.Practitioner
FIELDS[22] = {["id"] = 0} -- hms.admin.v1.GetPractitionerRequest
FIELDS[23] = {["departmentId"] = 0, ["department_id"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["query"] = 0, ["registrationNumber"] = 0, ["registration_number"] = 0, ["showDeleted"] = 0, ["showInactive"] = 0, ["show_deleted"] = 0, ["show_inactive"] = 0, ["speciality"] = 0, ["specialitySystem"] = 0, ["speciality_system"] = 0} -- hms.admin.v1.ListPractitionersRequest
FIELDS[24] = {["practitioner"] = 42, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdatePractitionerRequest
FIELDS[25] = {["organization"] = 52, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreateOrganizationRequest
FIELDS[26] = {["active"] = 0, ["addresses"] = 565, ["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["identifiers"] = 561, ["parentId"] = 0, ["parent_id"] = 0, ["telecoms"] = 557, ["types"] = 555, ["updateTime"] = 0, ["update_time"] = 0} -- hms.admin.v1.Organization
FIELDS[27] = {["id"] = 0} -- hms.admin.v1.GetOrganizationRequest
FIELDS[28] = {["code"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["parentId"] = 0, ["parent_id"] = 0, ["query"] = 0, ["showDeleted"] = 0, ["showInactive"] = 0, ["show_deleted"] = 0, ["show_inactive"] = 0} -- hms.admin.v1.ListOrganizationsRequest
FIELDS[29] = {["organization"] = 52, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateOrganizationRequest
FIELDS[30] = {["location"] = 62, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreateLocationRequest
FIELDS[31] = {["active"] = 0, ["address"] = 564, ["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["description"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["latitude"] = 0, ["longitude"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["partOfId"] = 0, ["part_of_id"] = 0, ["telecoms"] = 557, ["type"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.admin.v1.Location
FIELDS[32] = {["id"] = 0} -- hms.admin.v1.GetLocationRequest
FIELDS[33] = {["code"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["partOfId"] = 0, ["part_of_id"] = 0, ["query"] = 0, ["showDeleted"] = 0, ["showInactive"] = 0, ["show_deleted"] = 0, ["show_inactive"] = 0, ["type"] = 0} -- hms.admin.v1.ListLocationsRequest
FIELDS[34] = {["location"] = 62, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateLocationRequest
FIELDS[35] = {["codeEntry"] = 72, ["code_entry"] = 72, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.CreateCodeEntryRequest
FIELDS[36] = {["active"] = 0, ["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["display"] = 0, ["etag"] = 0, ["id"] = 0, ["synonyms"] = 1, ["system"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.admin.v1.CodeEntry
FIELDS[37] = {["id"] = 0} -- hms.admin.v1.GetCodeEntryRequest
FIELDS[38] = {["codePrefix"] = 0, ["code_prefix"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["query"] = 0, ["showInactive"] = 0, ["show_inactive"] = 0, ["system"] = 0} -- hms.admin.v1.ListCodeEntriesRequest
FIELDS[39] = {["codeEntry"] = 72, ["code_entry"] = 72, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.admin.v1.UpdateCodeEntryRequest
FIELDS[40] = {["codeEntries"] = 73, ["code_entries"] = 73, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.BatchCreateCodeEntriesRequest
FIELDS[41] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeactivateCodeEntryRequest
FIELDS[42] = {["rootId"] = 0, ["root_id"] = 0, ["showInactive"] = 0, ["show_inactive"] = 0} -- hms.admin.v1.GetDepartmentTreeRequest
FIELDS[43] = {} -- hms.admin.v1.GetMyPractitionerRequest
FIELDS[44] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.admin.v1.LinkPractitionerUserRequest
FIELDS[45] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.UnlinkPractitionerUserRequest
FIELDS[46] = {["departments"] = 33, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.BatchCreateDepartmentsRequest
FIELDS[47] = {["practitioners"] = 43, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.BatchCreatePractitionersRequest
FIELDS[48] = {["locations"] = 63, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.BatchCreateLocationsRequest
FIELDS[49] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeleteDepartmentRequest
FIELDS[50] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.UndeleteDepartmentRequest
FIELDS[51] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeletePractitionerRequest
FIELDS[52] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.UndeletePractitionerRequest
FIELDS[53] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeleteOrganizationRequest
FIELDS[54] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.UndeleteOrganizationRequest
FIELDS[55] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.DeleteLocationRequest
FIELDS[56] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.admin.v1.UndeleteLocationRequest
FIELDS[57] = {["actorId"] = 0, ["actor_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["entityId"] = 0, ["entity_id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.audit.v1.ListAuditEventsRequest
FIELDS[58] = {["id"] = 0} -- hms.audit.v1.GetAuditEventRequest
FIELDS[59] = {["endTime"] = 0, ["end_time"] = 0, ["format"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.audit.v1.GetDisclosureReportRequest
FIELDS[60] = {["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.audit.v1.PlaceLegalHoldRequest
FIELDS[61] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["standing"] = 0} -- hms.audit.v1.ListLegalHoldsRequest
FIELDS[62] = {["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.audit.v1.ReleaseLegalHoldRequest
FIELDS[63] = {["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["tenantId"] = 0, ["tenant_id"] = 0} -- hms.audit.v1.PlaceTenantLegalHoldRequest
FIELDS[64] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["standing"] = 0, ["tenantId"] = 0, ["tenant_id"] = 0} -- hms.audit.v1.ListTenantLegalHoldsRequest
FIELDS[65] = {["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["tenantId"] = 0, ["tenant_id"] = 0} -- hms.audit.v1.ReleaseTenantLegalHoldRequest
FIELDS[66] = {["encounter"] = 134, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateEncounterRequest
FIELDS[67] = {["admitSource"] = 554, ["admit_source"] = 554, ["allergies"] = 173, ["appointment"] = 474, ["appointmentId"] = 0, ["appointment_id"] = 0, ["conditions"] = 161, ["createTime"] = 0, ["create_time"] = 0, ["department"] = 32, ["departmentId"] = 0, ["department_id"] = 0, ["diagnosticReports"] = 221, ["diagnostic_reports"] = 221, ["dischargeDisposition"] = 554, ["discharge_disposition"] = 554, ["documents"] = 233, ["encounterClass"] = 0, ["encounter_class"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["immunizations"] = 209, ["location"] = 62, ["locationId"] = 0, ["location_id"] = 0, ["note"] = 0, ["notes"] = 269, ["observations"] = 147, ["orders"] = 289, ["organization"] = 52, ["organizationId"] = 0, ["organization_id"] = 0, ["participants"] = 567, ["patient"] = 398, ["patientId"] = 0, ["patient_id"] = 0, ["practitioner"] = 42, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["prescriptions"] = 185, ["priority"] = 554, ["procedures"] = 197, ["queueToken"] = 568, ["queueTokenId"] = 0, ["queue_token"] = 568, ["queue_token_id"] = 0, ["reasons"] = 555, ["referrals"] = 313, ["serviceType"] = 554, ["service_type"] = 554, ["startTime"] = 0, ["start_time"] = 0, ["state"] = 0, ["truncatedTypes"] = 1, ["truncated_types"] = 1, ["types"] = 555, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Encounter
FIELDS[68] = {["id"] = 0} -- hms.clinical.v1.GetEncounterRequest
FIELDS[69] = {["departmentId"] = 0, ["department_id"] = 0, ["encounterClasses"] = 1, ["encounter_classes"] = 1, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListEncountersRequest
FIELDS[70] = {["encounter"] = 134, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendEncounterRequest
FIELDS[71] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkEncounterEnteredInErrorRequest
FIELDS[72] = {["observation"] = 146, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateObservationRequest
FIELDS[73] = {["bodySite"] = 554, ["body_site"] = 554, ["boolean"] = 0, ["categories"] = 1, ["code"] = 554, ["components"] = 575, ["concept"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["dataAbsentReason"] = 0, ["data_absent_reason"] = 0, ["derivedFromIds"] = 1, ["derived_from_ids"] = 1, ["effectiveEndTime"] = 0, ["effectiveTime"] = 0, ["effective_end_time"] = 0, ["effective_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["integer"] = 0, ["interpretations"] = 1, ["method"] = 554, ["note"] = 0, ["orderId"] = 0, ["orderItem"] = 0, ["order_id"] = 0, ["order_item"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["quantity"] = 570, ["referenceRanges"] = 573, ["reference_ranges"] = 573, ["state"] = 0, ["text"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["vitalSetId"] = 0, ["vital_set_id"] = 0} -- hms.clinical.v1.Observation
FIELDS[74] = {["id"] = 0} -- hms.clinical.v1.GetObservationRequest
FIELDS[75] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListObservationsRequest
FIELDS[76] = {["observation"] = 146, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendObservationRequest
FIELDS[77] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkObservationEnteredInErrorRequest
FIELDS[78] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListVitalSignsRequest
FIELDS[79] = {["condition"] = 160, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateConditionRequest
FIELDS[80] = {["abatementTime"] = 0, ["abatement_time"] = 0, ["bodySites"] = 555, ["body_sites"] = 555, ["categories"] = 1, ["clinicalState"] = 0, ["clinical_state"] = 0, ["code"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["note"] = 0, ["onsetTime"] = 0, ["onset_time"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["recordedTime"] = 0, ["recorded_time"] = 0, ["severity"] = 554, ["updateTime"] = 0, ["update_time"] = 0, ["verificationState"] = 0, ["verification_state"] = 0} -- hms.clinical.v1.Condition
FIELDS[81] = {["id"] = 0} -- hms.clinical.v1.GetConditionRequest
FIELDS[82] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListConditionsRequest
FIELDS[83] = {["condition"] = 160, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendConditionRequest
FIELDS[84] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkConditionEnteredInErrorRequest
FIELDS[85] = {["allergy"] = 172, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateAllergyRequest
FIELDS[86] = {["categories"] = 1, ["clinicalState"] = 0, ["clinical_state"] = 0, ["code"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["criticality"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["lastOccurrenceTime"] = 0, ["last_occurrence_time"] = 0, ["note"] = 0, ["onsetTime"] = 0, ["onset_time"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reactions"] = 577, ["recordedTime"] = 0, ["recorded_time"] = 0, ["type"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["verificationState"] = 0, ["verification_state"] = 0} -- hms.clinical.v1.Allergy
FIELDS[87] = {["id"] = 0} -- hms.clinical.v1.GetAllergyRequest
FIELDS[88] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListAllergiesRequest
FIELDS[89] = {["allergy"] = 172, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendAllergyRequest
FIELDS[90] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkAllergyEnteredInErrorRequest
FIELDS[91] = {["prescription"] = 184, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreatePrescriptionRequest
FIELDS[92] = {["authoredTime"] = 0, ["authored_time"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["intent"] = 0, ["items"] = 579, ["note"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["overrides"] = 581, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reasonConditionIds"] = 1, ["reason_condition_ids"] = 1, ["reasons"] = 555, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["warnings"] = 583} -- hms.clinical.v1.Prescription
FIELDS[93] = {["id"] = 0} -- hms.clinical.v1.GetPrescriptionRequest
FIELDS[94] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListPrescriptionsRequest
FIELDS[95] = {["prescription"] = 184, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendPrescriptionRequest
FIELDS[96] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkPrescriptionEnteredInErrorRequest
FIELDS[97] = {["procedure"] = 196, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateProcedureRequest
FIELDS[98] = {["bodySites"] = 555, ["body_sites"] = 555, ["category"] = 554, ["code"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["note"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["outcome"] = 554, ["patientId"] = 0, ["patient_id"] = 0, ["performedEndTime"] = 0, ["performedTime"] = 0, ["performed_end_time"] = 0, ["performed_time"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reasonConditionIds"] = 1, ["reason_condition_ids"] = 1, ["reasons"] = 555, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Procedure
FIELDS[99] = {["id"] = 0} -- hms.clinical.v1.GetProcedureRequest
FIELDS[100] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListProceduresRequest
FIELDS[101] = {["procedure"] = 196, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendProcedureRequest
FIELDS[102] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkProcedureEnteredInErrorRequest
FIELDS[103] = {["immunization"] = 208, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateImmunizationRequest
FIELDS[104] = {["code"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["dose"] = 570, ["doseNumber"] = 0, ["dose_number"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["expirationDate"] = 0, ["expiration_date"] = 0, ["id"] = 0, ["lotNumber"] = 0, ["lot_number"] = 0, ["manufacturer"] = 0, ["note"] = 0, ["occurrenceTime"] = 0, ["occurrence_time"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["primarySource"] = 0, ["primary_source"] = 0, ["route"] = 554, ["site"] = 554, ["state"] = 0, ["stateReason"] = 554, ["state_reason"] = 554, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Immunization
FIELDS[105] = {["id"] = 0} -- hms.clinical.v1.GetImmunizationRequest
FIELDS[106] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListImmunizationsRequest
FIELDS[107] = {["immunization"] = 208, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendImmunizationRequest
FIELDS[108] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkImmunizationEnteredInErrorRequest
FIELDS[109] = {["diagnosticReport"] = 220, ["diagnostic_report"] = 220, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateDiagnosticReportRequest
FIELDS[110] = {["acknowledgeNote"] = 0, ["acknowledgeTime"] = 0, ["acknowledgeUserId"] = 0, ["acknowledge_note"] = 0, ["acknowledge_time"] = 0, ["acknowledge_user_id"] = 0, ["categories"] = 1, ["code"] = 554, ["conclusion"] = 0, ["conclusionCodes"] = 555, ["conclusion_codes"] = 555, ["createTime"] = 0, ["create_time"] = 0, ["critical"] = 0, ["effectiveEndTime"] = 0, ["effectiveTime"] = 0, ["effective_end_time"] = 0, ["effective_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["issuedTime"] = 0, ["issued_time"] = 0, ["orderId"] = 0, ["order_id"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["requesterDepartmentId"] = 0, ["requesterId"] = 0, ["requester_department_id"] = 0, ["requester_id"] = 0, ["resultIds"] = 1, ["result_ids"] = 1, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.DiagnosticReport
FIELDS[111] = {["id"] = 0} -- hms.clinical.v1.GetDiagnosticReportRequest
FIELDS[112] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListDiagnosticReportsRequest
FIELDS[113] = {["diagnosticReport"] = 220, ["diagnostic_report"] = 220, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendDiagnosticReportRequest
FIELDS[114] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkDiagnosticReportEnteredInErrorRequest
FIELDS[115] = {["document"] = 232, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateDocumentRequest
FIELDS[116] = {["attachments"] = 585, ["categories"] = 555, ["code"] = 554, ["compositionState"] = 0, ["composition_state"] = 0, ["contextEndTime"] = 0, ["contextStartTime"] = 0, ["context_end_time"] = 0, ["context_start_time"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["description"] = 0, ["documentTime"] = 0, ["document_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Document
FIELDS[117] = {["id"] = 0} -- hms.clinical.v1.GetDocumentRequest
FIELDS[118] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListDocumentsRequest
FIELDS[119] = {["document"] = 232, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendDocumentRequest
FIELDS[120] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkDocumentEnteredInErrorRequest
FIELDS[121] = {["patientId"] = 0, ["patient_id"] = 0} -- hms.clinical.v1.GetPatientSummaryRequest
FIELDS[122] = {["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["types"] = 1} -- hms.clinical.v1.GetPatientTimelineRequest
FIELDS[123] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["recordId"] = 0, ["record_id"] = 0} -- hms.clinical.v1.ListRecordVersionsRequest
FIELDS[124] = {["pageSize"] = 0, ["page_size"] = 0, ["query"] = 0, ["system"] = 0} -- hms.clinical.v1.SearchCodesRequest
FIELDS[125] = {["prescription"] = 184} -- hms.clinical.v1.CheckPrescriptionRequest
FIELDS[126] = {["interactionRule"] = 254, ["interaction_rule"] = 254, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateInteractionRuleRequest
FIELDS[127] = {["active"] = 0, ["builtinKey"] = 0, ["builtin_key"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["effect"] = 0, ["etag"] = 0, ["first"] = 0, ["id"] = 0, ["management"] = 0, ["reason"] = 0, ["second"] = 0, ["severity"] = 0, ["source"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.InteractionRule
FIELDS[128] = {["id"] = 0} -- hms.clinical.v1.GetInteractionRuleRequest
FIELDS[129] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["showBuiltin"] = 0, ["showInactive"] = 0, ["show_builtin"] = 0, ["show_inactive"] = 0, ["term"] = 0} -- hms.clinical.v1.ListInteractionRulesRequest
FIELDS[130] = {["interactionRule"] = 254, ["interaction_rule"] = 254, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.UpdateInteractionRuleRequest
FIELDS[131] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.DeactivateInteractionRuleRequest
FIELDS[132] = {["capillaryGlucose"] = 586, ["capillary_glucose"] = 586, ["consciousness"] = 0, ["diastolic"] = 586, ["effectiveTime"] = 0, ["effective_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["headCircumference"] = 586, ["head_circumference"] = 586, ["height"] = 586, ["hypercapnicScale"] = 0, ["hypercapnic_scale"] = 0, ["note"] = 0, ["oxygenFlow"] = 586, ["oxygenSaturation"] = 586, ["oxygen_flow"] = 586, ["oxygen_saturation"] = 586, ["painScore"] = 0, ["pain_score"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["pregnant"] = 0, ["pulse"] = 586, ["requestId"] = 0, ["request_id"] = 0, ["respiratoryRate"] = 586, ["respiratory_rate"] = 586, ["supplementalOxygen"] = 0, ["supplemental_oxygen"] = 0, ["systolic"] = 586, ["temperature"] = 586, ["weight"] = 586} -- hms.clinical.v1.RecordVitalSignsRequest
FIELDS[133] = {["note"] = 268, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateNoteRequest
FIELDS[134] = {["amendmentReason"] = 0, ["amendment_reason"] = 0, ["assessment"] = 0, ["authorUserId"] = 0, ["author_user_id"] = 0, ["code"] = 554, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["noteTime"] = 0, ["note_time"] = 0, ["objective"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["plan"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["signatures"] = 589, ["state"] = 0, ["subjective"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.ConsultationNote
FIELDS[135] = {["id"] = 0} -- hms.clinical.v1.GetNoteRequest
FIELDS[136] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListNotesRequest
FIELDS[137] = {["note"] = 268, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendNoteRequest
FIELDS[138] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.SignNoteRequest
FIELDS[139] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CoSignNoteRequest
FIELDS[140] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkNoteEnteredInErrorRequest
FIELDS[141] = {["appointmentId"] = 0, ["appointment_id"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["encounterClass"] = 0, ["encounter_class"] = 0, ["locationId"] = 0, ["location_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["queueTokenId"] = 0, ["queue_token_id"] = 0, ["reasons"] = 555, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.StartEncounterRequest
FIELDS[142] = {["etag"] = 0, ["id"] = 0, ["leaveDrafts"] = 0, ["leave_drafts"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CompleteEncounterRequest
FIELDS[143] = {["order"] = 288, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateOrderRequest
FIELDS[144] = {["authoredTime"] = 0, ["authored_time"] = 0, ["category"] = 0, ["collectTime"] = 0, ["collectUserId"] = 0, ["collect_time"] = 0, ["collect_user_id"] = 0, ["collectedById"] = 0, ["collected_by_id"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["finalItems"] = 1, ["final_items"] = 1, ["id"] = 0, ["items"] = 591, ["note"] = 0, ["occurrenceTime"] = 0, ["occurrence_time"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["performingDepartmentId"] = 0, ["performing_department_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["priority"] = 0, ["reasonConditionIds"] = 1, ["reason_condition_ids"] = 1, ["reasons"] = 555, ["reportId"] = 0, ["report_id"] = 0, ["revokeReason"] = 0, ["revoke_reason"] = 0, ["specimenNote"] = 0, ["specimen_note"] = 0, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Order
FIELDS[145] = {["id"] = 0} -- hms.clinical.v1.GetOrderRequest
FIELDS[146] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListOrdersRequest
FIELDS[147] = {["order"] = 288, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendOrderRequest
FIELDS[148] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkOrderEnteredInErrorRequest
FIELDS[149] = {["collectTime"] = 0, ["collect_time"] = 0, ["etag"] = 0, ["id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["specimenNote"] = 0, ["specimen_note"] = 0} -- hms.clinical.v1.CollectOrderRequest
FIELDS[150] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.RevokeOrderRequest
FIELDS[151] = {["category"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["priorities"] = 1, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListOrderWorklistRequest
FIELDS[152] = {["conclusion"] = 0, ["etag"] = 0, ["id"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["results"] = 593, ["state"] = 0} -- hms.clinical.v1.RecordResultsRequest
FIELDS[153] = {["etag"] = 0, ["id"] = 0, ["note"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.AcknowledgeResultRequest
FIELDS[154] = {["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.clinical.v1.ListUnacknowledgedResultsRequest
FIELDS[155] = {["referral"] = 312, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CreateReferralRequest
FIELDS[156] = {["answer"] = 0, ["answerTime"] = 0, ["answerUserId"] = 0, ["answer_time"] = 0, ["answer_user_id"] = 0, ["authoredTime"] = 0, ["authored_time"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["encounterId"] = 0, ["encounter_id"] = 0, ["errorReason"] = 0, ["error_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["note"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["priority"] = 0, ["reasonConditionIds"] = 1, ["reason_condition_ids"] = 1, ["reasons"] = 555, ["service"] = 554, ["state"] = 0, ["toDepartmentId"] = 0, ["toOrganizationId"] = 0, ["toPractitionerId"] = 0, ["to_department_id"] = 0, ["to_organization_id"] = 0, ["to_practitioner_id"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.clinical.v1.Referral
FIELDS[157] = {["id"] = 0} -- hms.clinical.v1.GetReferralRequest
FIELDS[158] = {["codes"] = 1, ["encounterId"] = 0, ["encounter_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["showEnteredInError"] = 0, ["show_entered_in_error"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListReferralsRequest
FIELDS[159] = {["referral"] = 312, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.clinical.v1.AmendReferralRequest
FIELDS[160] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.MarkReferralEnteredInErrorRequest
FIELDS[161] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.AcceptReferralRequest
FIELDS[162] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.DeclineReferralRequest
FIELDS[163] = {["etag"] = 0, ["id"] = 0, ["note"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.CompleteReferralRequest
FIELDS[164] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.clinical.v1.RevokeReferralRequest
FIELDS[165] = {["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["priorities"] = 1, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.clinical.v1.ListReferralInboxRequest
FIELDS[166] = {["id"] = 0} -- hms.clinical.v1.GetVisitSummaryRequest
FIELDS[167] = {["bundle"] = -1, ["source"] = 0} -- hms.fhir.v1.ImportBundleRequest
FIELDS[168] = {["password"] = 0, ["tenant"] = 0, ["username"] = 0} -- hms.identity.v1.LoginRequest
FIELDS[169] = {["refreshToken"] = 0, ["refresh_token"] = 0} -- hms.identity.v1.RefreshRequest
FIELDS[170] = {} -- hms.identity.v1.LogoutRequest
FIELDS[171] = {["newPassword"] = 0, ["new_password"] = 0, ["presentPassword"] = 0, ["present_password"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.identity.v1.ChangePasswordRequest
FIELDS[172] = {["id"] = 0} -- hms.identity.v1.ResetPasswordRequest
FIELDS[173] = {["newPassword"] = 0, ["new_password"] = 0, ["token"] = 0} -- hms.identity.v1.CompletePasswordResetRequest
FIELDS[174] = {["clientAssertion"] = 0, ["clientId"] = 0, ["clientSecret"] = 0, ["client_assertion"] = 0, ["client_id"] = 0, ["client_secret"] = 0, ["tenant"] = 0} -- hms.identity.v1.IssueServiceTokenRequest
FIELDS[175] = {["requestId"] = 0, ["request_id"] = 0, ["serviceAccount"] = 352, ["service_account"] = 352, ["withoutSecret"] = 0, ["without_secret"] = 0} -- hms.identity.v1.CreateServiceAccountRequest
FIELDS[176] = {["assertionAudience"] = 0, ["assertion_audience"] = 0, ["clientSecret"] = 0, ["client_secret"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["keys"] = 595, ["name"] = 0, ["permissions"] = 1, ["secretTime"] = 0, ["secret_time"] = 0, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.identity.v1.ServiceAccount
FIELDS[177] = {["id"] = 0} -- hms.identity.v1.GetServiceAccountRequest
FIELDS[178] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.identity.v1.ListServiceAccountsRequest
FIELDS[179] = {["requestId"] = 0, ["request_id"] = 0, ["serviceAccount"] = 352, ["service_account"] = 352, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.identity.v1.UpdateServiceAccountRequest
FIELDS[180] = {["id"] = 0, ["keepPresentSeconds"] = 0, ["keep_present_seconds"] = 0, ["remove"] = 0} -- hms.identity.v1.RotateServiceAccountSecretRequest
FIELDS[181] = {["id"] = 0, ["key"] = 594} -- hms.identity.v1.AddServiceAccountKeyRequest
FIELDS[182] = {["id"] = 0, ["kid"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.identity.v1.RemoveServiceAccountKeyRequest
FIELDS[183] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.identity.v1.ListSessionsRequest
FIELDS[184] = {["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.identity.v1.RevokeSessionRequest
FIELDS[185] = {} -- hms.identity.v1.GetJwksRequest
FIELDS[186] = {["requestId"] = 0, ["request_id"] = 0, ["user"] = 374} -- hms.identity.v1.CreateUserRequest
FIELDS[187] = {["createTime"] = 0, ["create_time"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["email"] = 0, ["etag"] = 0, ["id"] = 0, ["limitedRoles"] = 597, ["limited_roles"] = 597, ["mustChangePassword"] = 0, ["must_change_password"] = 0, ["password"] = 0, ["roleCodes"] = 1, ["role_codes"] = 1, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["username"] = 0} -- hms.identity.v1.User
FIELDS[188] = {["id"] = 0} -- hms.identity.v1.GetUserRequest
FIELDS[189] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.identity.v1.ListUsersRequest
FIELDS[190] = {["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0, ["user"] = 374} -- hms.identity.v1.UpdateUserRequest
FIELDS[191] = {["requestId"] = 0, ["request_id"] = 0, ["role"] = 384} -- hms.identity.v1.CreateRoleRequest
FIELDS[192] = {["code"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["etag"] = 0, ["id"] = 0, ["permissions"] = 1, ["system"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.identity.v1.Role
FIELDS[193] = {["id"] = 0} -- hms.identity.v1.GetRoleRequest
FIELDS[194] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.identity.v1.ListRolesRequest
FIELDS[195] = {["requestId"] = 0, ["request_id"] = 0, ["role"] = 384, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.identity.v1.UpdateRoleRequest
FIELDS[196] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.identity.v1.DeleteRoleRequest
FIELDS[197] = {} -- hms.identity.v1.ListPermissionsRequest
FIELDS[198] = {["patient"] = 398, ["requestId"] = 0, ["request_id"] = 0} -- hms.patient.v1.CreatePatientRequest
FIELDS[199] = {["active"] = 0, ["addresses"] = 565, ["birthDate"] = 0, ["birth_date"] = 0, ["communications"] = 601, ["contacts"] = 599, ["createTime"] = 0, ["create_time"] = 0, ["deceased"] = 0, ["deceasedTime"] = 0, ["deceased_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["duplicateCandidates"] = 603, ["duplicate_candidates"] = 603, ["etag"] = 0, ["familyName"] = 0, ["family_name"] = 0, ["gender"] = 0, ["givenName"] = 0, ["given_name"] = 0, ["id"] = 0, ["identifiers"] = 561, ["maritalStatus"] = 0, ["marital_status"] = 0, ["mergedIntoId"] = 0, ["mergedUhids"] = 1, ["merged_into_id"] = 0, ["merged_uhids"] = 1, ["names"] = 559, ["restricted"] = 0, ["telecoms"] = 557, ["uhid"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.patient.v1.Patient
FIELDS[200] = {["id"] = 0} -- hms.patient.v1.GetPatientRequest
FIELDS[201] = {["ids"] = 1} -- hms.patient.v1.BatchGetPatientsRequest
FIELDS[202] = {["patient"] = 398, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.patient.v1.UpdatePatientRequest
FIELDS[203] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.patient.v1.DeletePatientRequest
FIELDS[204] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.patient.v1.UndeletePatientRequest
FIELDS[205] = {["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["showDeleted"] = 0, ["show_deleted"] = 0} -- hms.patient.v1.ListPatientsRequest
FIELDS[206] = {["birthDate"] = 0, ["birth_date"] = 0, ["identifier"] = 0, ["pageSize"] = 0, ["page_size"] = 0, ["phone"] = 0, ["query"] = 0, ["uhid"] = 0} -- hms.patient.v1.SearchPatientsRequest
FIELDS[207] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0} -- hms.patient.v1.ListPatientVersionsRequest
FIELDS[208] = {["patientId"] = 0, ["patient_id"] = 0} -- hms.patient.v1.ListDuplicateCandidatesRequest
FIELDS[209] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.patient.v1.ListDuplicatePairsRequest
FIELDS[210] = {["mergedId"] = 0, ["merged_id"] = 0, ["survivorId"] = 0, ["survivor_id"] = 0} -- hms.patient.v1.PreviewMergeRequest
FIELDS[211] = {["decisions"] = 605, ["mergedEtag"] = 0, ["mergedId"] = 0, ["merged_etag"] = 0, ["merged_id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["survivorEtag"] = 0, ["survivorId"] = 0, ["survivor_etag"] = 0, ["survivor_id"] = 0} -- hms.patient.v1.MergePatientsRequest
FIELDS[212] = {["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.patient.v1.UnmergePatientsRequest
FIELDS[213] = {["id"] = 0} -- hms.patient.v1.GetMergeRequest
FIELDS[214] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0} -- hms.patient.v1.ListMergesRequest
FIELDS[215] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["restricted"] = 0} -- hms.patient.v1.SetPatientRestrictionRequest
FIELDS[216] = {["durationSeconds"] = 0, ["duration_seconds"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["uhid"] = 0} -- hms.patient.v1.BreakGlassRequest
FIELDS[217] = {["id"] = 0} -- hms.patient.v1.GetBreakGlassRequest
FIELDS[218] = {["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["unreviewed"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.patient.v1.ListBreakGlassRequest
FIELDS[219] = {["id"] = 0, ["note"] = 0, ["outcome"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.patient.v1.ReviewBreakGlassRequest
FIELDS[220] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["schedule"] = 442, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.CreateScheduleRequest
FIELDS[221] = {["active"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["etag"] = 0, ["id"] = 0, ["locationId"] = 0, ["location_id"] = 0, ["note"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["service"] = 0, ["sessions"] = 607, ["stranded"] = 608, ["updateTime"] = 0, ["update_time"] = 0, ["validFrom"] = 0, ["validUntil"] = 0, ["valid_from"] = 0, ["valid_until"] = 0} -- hms.scheduling.v1.Schedule
FIELDS[222] = {["id"] = 0} -- hms.scheduling.v1.GetScheduleRequest
FIELDS[223] = {["departmentId"] = 0, ["department_id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["showInactive"] = 0, ["show_inactive"] = 0, ["validOn"] = 0, ["valid_on"] = 0} -- hms.scheduling.v1.ListSchedulesRequest
FIELDS[224] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["schedule"] = 442, ["stranded"] = 0, ["updateMask"] = 0, ["update_mask"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.UpdateScheduleRequest
FIELDS[225] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.DeleteScheduleRequest
FIELDS[226] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["schedules"] = 443, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.BatchCreateSchedulesRequest
FIELDS[227] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["scheduleException"] = 456, ["schedule_exception"] = 456, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.CreateScheduleExceptionRequest
FIELDS[228] = {["capacity"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["deleteTime"] = 0, ["delete_time"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["endDate"] = 0, ["endTime"] = 0, ["end_date"] = 0, ["end_time"] = 0, ["etag"] = 0, ["id"] = 0, ["kind"] = 0, ["locationId"] = 0, ["location_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reason"] = 0, ["service"] = 0, ["slotMinutes"] = 0, ["slot_minutes"] = 0, ["startDate"] = 0, ["startTime"] = 0, ["start_date"] = 0, ["start_time"] = 0, ["stranded"] = 608, ["updateTime"] = 0, ["update_time"] = 0, ["walkInShare"] = 0, ["walk_in_share"] = 0} -- hms.scheduling.v1.ScheduleException
FIELDS[229] = {["id"] = 0} -- hms.scheduling.v1.GetScheduleExceptionRequest
FIELDS[230] = {["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.scheduling.v1.ListScheduleExceptionsRequest
FIELDS[231] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["scheduleException"] = 456, ["schedule_exception"] = 456, ["stranded"] = 0, ["updateMask"] = 0, ["update_mask"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.UpdateScheduleExceptionRequest
FIELDS[232] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["etag"] = 0, ["id"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.DeleteScheduleExceptionRequest
FIELDS[233] = {["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["moveToPractitionerId"] = 0, ["move_to_practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["scheduleExceptions"] = 457, ["schedule_exceptions"] = 457, ["stranded"] = 0, ["validateOnly"] = 0, ["validate_only"] = 0} -- hms.scheduling.v1.BatchCreateScheduleExceptionsRequest
FIELDS[234] = {["departmentIds"] = 1, ["department_ids"] = 1, ["endClock"] = 0, ["endDate"] = 0, ["end_clock"] = 0, ["end_date"] = 0, ["includeFull"] = 0, ["include_full"] = 0, ["minFreeSeats"] = 0, ["min_free_seats"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerIds"] = 1, ["practitioner_ids"] = 1, ["service"] = 0, ["specialities"] = 611, ["specialityCodes"] = 1, ["speciality_codes"] = 1, ["startClock"] = 0, ["startDate"] = 0, ["start_clock"] = 0, ["start_date"] = 0, ["weekdays"] = 1, ["withSubDepartments"] = 0, ["with_sub_departments"] = 0} -- hms.scheduling.v1.SearchSlotsRequest
FIELDS[235] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["holdSeconds"] = 0, ["hold_seconds"] = 0, ["note"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reasons"] = 555, ["requestId"] = 0, ["request_id"] = 0, ["scheduleId"] = 0, ["schedule_id"] = 0, ["service"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.scheduling.v1.HoldAppointmentRequest
FIELDS[236] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["appointment"] = 474, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.BookAppointmentRequest
FIELDS[237] = {["arriveTime"] = 0, ["arrive_time"] = 0, ["cancelTime"] = 0, ["cancel_time"] = 0, ["cancellationReason"] = 0, ["cancellation_reason"] = 0, ["changeReason"] = 0, ["change_reason"] = 0, ["checkInTime"] = 0, ["check_in_time"] = 0, ["confirmTime"] = 0, ["confirm_time"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["department"] = 32, ["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["etag"] = 0, ["fulfilTime"] = 0, ["fulfil_time"] = 0, ["holdExpireTime"] = 0, ["hold_expire_time"] = 0, ["id"] = 0, ["locationId"] = 0, ["location_id"] = 0, ["note"] = 0, ["overbooked"] = 0, ["patient"] = 398, ["patientId"] = 0, ["patient_id"] = 0, ["practitioner"] = 42, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["previousAppointmentId"] = 0, ["previous_appointment_id"] = 0, ["reasons"] = 555, ["scheduleExceptionId"] = 0, ["scheduleId"] = 0, ["schedule_exception_id"] = 0, ["schedule_id"] = 0, ["seat"] = 0, ["seriesId"] = 0, ["series_id"] = 0, ["service"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["state"] = 0, ["updateTime"] = 0, ["update_time"] = 0, ["waitlistPriority"] = 0, ["waitlistTime"] = 0, ["waitlist_priority"] = 0, ["waitlist_time"] = 0, ["wantedDayEnd"] = 0, ["wantedDayStart"] = 0, ["wantedEndTime"] = 0, ["wantedStartTime"] = 0, ["wantedWeekdays"] = 1, ["wanted_day_end"] = 0, ["wanted_day_start"] = 0, ["wanted_end_time"] = 0, ["wanted_start_time"] = 0, ["wanted_weekdays"] = 1} -- hms.scheduling.v1.Appointment
FIELDS[238] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["appointments"] = 475, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.BatchBookAppointmentsRequest
FIELDS[239] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["appointment"] = 474, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.OverbookAppointmentRequest
FIELDS[240] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.BookHeldAppointmentRequest
FIELDS[241] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.ConfirmAppointmentRequest
FIELDS[242] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["etag"] = 0, ["id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["scheduleId"] = 0, ["schedule_id"] = 0, ["service"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.scheduling.v1.RescheduleAppointmentRequest
FIELDS[243] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.CancelAppointmentRequest
FIELDS[244] = {["appointment"] = 474, ["requestId"] = 0, ["request_id"] = 0, ["updateMask"] = 0, ["update_mask"] = 0} -- hms.scheduling.v1.AmendAppointmentRequest
FIELDS[245] = {["id"] = 0} -- hms.scheduling.v1.GetAppointmentRequest
FIELDS[246] = {["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["seriesId"] = 0, ["series_id"] = 0, ["service"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.scheduling.v1.ListAppointmentsRequest
FIELDS[247] = {["id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.scheduling.v1.ListAppointmentVersionsRequest
FIELDS[248] = {["appointment"] = 474, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.JoinWaitingListRequest
FIELDS[249] = {["departmentId"] = 0, ["department_id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0} -- hms.scheduling.v1.ListWaitingListRequest
FIELDS[250] = {["etag"] = 0, ["id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.scheduling.v1.OfferSlotRequest
FIELDS[251] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.DeclineOfferRequest
FIELDS[252] = {["allowOverlap"] = 0, ["allow_overlap"] = 0, ["appointment"] = 474, ["onConflict"] = 0, ["on_conflict"] = 0, ["recurrence"] = 612, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.BookSeriesRequest
FIELDS[253] = {["fromTime"] = 0, ["from_time"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["seriesId"] = 0, ["series_id"] = 0} -- hms.scheduling.v1.CancelSeriesRequest
FIELDS[254] = {["id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.scheduling.v1.ListFollowUpsRequest
FIELDS[255] = {["id"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0} -- hms.scheduling.v1.ListRemindersRequest
FIELDS[256] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.ArriveAppointmentRequest
FIELDS[257] = {["etag"] = 0, ["id"] = 0, ["note"] = 0, ["priority"] = 0, ["priorityReason"] = 0, ["priority_reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.CheckInAppointmentRequest
FIELDS[258] = {["etag"] = 0, ["id"] = 0, ["note"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.MarkNoShowRequest
FIELDS[259] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.CompleteAppointmentRequest
FIELDS[260] = {["beyondCapacity"] = 0, ["beyond_capacity"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["note"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["priority"] = 0, ["priorityReason"] = 0, ["priority_reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["withoutSession"] = 0, ["without_session"] = 0} -- hms.scheduling.v1.IssueQueueTokenRequest
FIELDS[261] = {["id"] = 0} -- hms.scheduling.v1.GetQueueTokenRequest
FIELDS[262] = {["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["orderBy"] = 0, ["order_by"] = 0, ["pageSize"] = 0, ["pageToken"] = 0, ["page_size"] = 0, ["page_token"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["states"] = 1} -- hms.scheduling.v1.ListQueueTokensRequest
FIELDS[263] = {["practitionerId"] = 0, ["practitioner_id"] = 0, ["sessionStartTime"] = 0, ["session_start_time"] = 0} -- hms.scheduling.v1.GetQueueRequest
FIELDS[264] = {["practitionerId"] = 0, ["practitioner_id"] = 0} -- hms.scheduling.v1.GetQueueBoardRequest
FIELDS[265] = {["practitionerId"] = 0, ["practitioner_id"] = 0, ["recall"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["sessionStartTime"] = 0, ["session_start_time"] = 0} -- hms.scheduling.v1.CallNextRequest
FIELDS[266] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.CallQueueTokenRequest
FIELDS[267] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.SkipQueueTokenRequest
FIELDS[268] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.HoldQueueTokenRequest
FIELDS[269] = {["etag"] = 0, ["id"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.ReturnQueueTokenRequest
FIELDS[270] = {["departmentId"] = 0, ["department_id"] = 0, ["etag"] = 0, ["id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0, ["withoutSession"] = 0, ["without_session"] = 0} -- hms.scheduling.v1.TransferQueueTokenRequest
FIELDS[271] = {["etag"] = 0, ["id"] = 0, ["priority"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.SetQueueTokenPriorityRequest
FIELDS[272] = {["etag"] = 0, ["id"] = 0, ["reason"] = 0, ["requestId"] = 0, ["request_id"] = 0} -- hms.scheduling.v1.CancelQueueTokenRequest
FIELDS[273] = {["limit"] = 0, ["tier"] = 0, ["windowSeconds"] = 0, ["window_seconds"] = 0} -- hms.admin.v1.RateLimit
FIELDS[274] = {["concurrentCalls"] = 0, ["concurrent_calls"] = 0, ["maxRequestBytes"] = 0, ["maxStreamBytes"] = 0, ["max_request_bytes"] = 0, ["max_stream_bytes"] = 0} -- hms.admin.v1.CallLimits
FIELDS[275] = {["endTime"] = 0, ["end_time"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["weekday"] = 0} -- hms.admin.v1.WorkingHours
FIELDS[276] = {["date"] = 0, ["displayName"] = 0, ["display_name"] = 0} -- hms.admin.v1.Holiday
FIELDS[277] = {["codings"] = 611, ["text"] = 0} -- hms.common.v1.CodeableConcept
FIELDS[278] = {["period"] = 614, ["rank"] = 0, ["system"] = 0, ["use"] = 0, ["value"] = 0} -- hms.patient.v1.Telecom
FIELDS[279] = {["familyName"] = 0, ["family_name"] = 0, ["givenNames"] = 1, ["given_names"] = 1, ["period"] = 614, ["prefixes"] = 1, ["suffixes"] = 1, ["text"] = 0, ["use"] = 0} -- hms.patient.v1.HumanName
FIELDS[280] = {["period"] = 614, ["system"] = 0, ["type"] = 0, ["use"] = 0, ["value"] = 0} -- hms.patient.v1.Identifier
FIELDS[281] = {["active"] = 0, ["codes"] = 555, ["departmentId"] = 0, ["department_id"] = 0, ["id"] = 0, ["organizationId"] = 0, ["organization_id"] = 0, ["specialities"] = 555} -- hms.admin.v1.PractitionerRole
FIELDS[282] = {["city"] = 0, ["country"] = 0, ["district"] = 0, ["lines"] = 1, ["period"] = 614, ["postalCode"] = 0, ["postal_code"] = 0, ["state"] = 0, ["text"] = 0, ["type"] = 0, ["use"] = 0} -- hms.patient.v1.Address
FIELDS[283] = {["endTime"] = 0, ["end_time"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["type"] = 0} -- hms.clinical.v1.EncounterParticipant
FIELDS[284] = {["appointmentId"] = 0, ["appointment_id"] = 0, ["callTime"] = 0, ["call_time"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["departmentId"] = 0, ["department_id"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["etag"] = 0, ["id"] = 0, ["issueTime"] = 0, ["issue_time"] = 0, ["note"] = 0, ["number"] = 0, ["patient"] = 398, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["priority"] = 0, ["priorityReason"] = 0, ["priority_reason"] = 0, ["sessionStartTime"] = 0, ["session_start_time"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["state"] = 0, ["stateReason"] = 0, ["state_reason"] = 0, ["token"] = 0, ["transferredFromId"] = 0, ["transferred_from_id"] = 0, ["updateTime"] = 0, ["update_time"] = 0} -- hms.scheduling.v1.QueueToken
FIELDS[285] = {["code"] = 0, ["comparator"] = 0, ["system"] = 0, ["unit"] = 0, ["value"] = 0} -- hms.common.v1.Quantity
FIELDS[286] = {["high"] = 570, ["low"] = 570, ["text"] = 0, ["type"] = 0} -- hms.clinical.v1.ReferenceRange
FIELDS[287] = {["boolean"] = 0, ["code"] = 554, ["concept"] = 554, ["dataAbsentReason"] = 0, ["data_absent_reason"] = 0, ["integer"] = 0, ["interpretations"] = 1, ["quantity"] = 570, ["referenceRanges"] = 573, ["reference_ranges"] = 573, ["text"] = 0} -- hms.clinical.v1.ObservationComponent
FIELDS[288] = {["description"] = 0, ["manifestations"] = 555, ["onsetTime"] = 0, ["onset_time"] = 0, ["severity"] = 0, ["substance"] = 554} -- hms.clinical.v1.AllergyReaction
FIELDS[289] = {["asNeeded"] = 0, ["as_needed"] = 0, ["dose"] = 570, ["duration"] = 570, ["frequency"] = 0, ["instructions"] = 1, ["medication"] = 554, ["period"] = 0, ["periodUnit"] = 0, ["period_unit"] = 0, ["quantity"] = 570, ["quantityComputed"] = 0, ["quantity_computed"] = 0, ["repeatsAllowed"] = 0, ["repeats_allowed"] = 0, ["route"] = 554} -- hms.clinical.v1.PrescriptionItem
FIELDS[290] = {["overrideTime"] = 0, ["override_time"] = 0, ["reason"] = 0, ["severity"] = 0, ["userId"] = 0, ["user_id"] = 0, ["warningKey"] = 0, ["warning_key"] = 0} -- hms.clinical.v1.WarningOverride
FIELDS[291] = {["conflictingRecordIds"] = 1, ["conflicting_record_ids"] = 1, ["items"] = 1, ["key"] = 0, ["management"] = 0, ["severity"] = 0, ["source"] = 0, ["text"] = 0, ["type"] = 0} -- hms.clinical.v1.PrescriptionWarning
FIELDS[292] = {["contentType"] = 0, ["content_type"] = 0, ["creationTime"] = 0, ["creation_time"] = 0, ["format"] = 0, ["hash"] = 0, ["language"] = 0, ["size"] = 0, ["title"] = 0, ["url"] = 0} -- hms.clinical.v1.Attachment
FIELDS[293] = {["unit"] = 0, ["value"] = 0} -- hms.clinical.v1.Measured
FIELDS[294] = {["signTime"] = 0, ["sign_time"] = 0, ["textSha256"] = 0, ["text_sha256"] = 0, ["type"] = 0, ["userId"] = 0, ["user_id"] = 0} -- hms.clinical.v1.NoteSignature
FIELDS[295] = {["bodySite"] = 554, ["body_site"] = 554, ["code"] = 554, ["note"] = 0} -- hms.clinical.v1.OrderItem
FIELDS[296] = {["bodySite"] = 554, ["body_site"] = 554, ["code"] = 554, ["concept"] = 554, ["effectiveTime"] = 0, ["effective_time"] = 0, ["interpretation"] = 0, ["item"] = 0, ["note"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["quantity"] = 570, ["referenceRange"] = 572, ["reference_range"] = 572, ["text"] = 0} -- hms.clinical.v1.OrderResult
FIELDS[297] = {["algorithm"] = 0, ["createTime"] = 0, ["create_time"] = 0, ["expireTime"] = 0, ["expire_time"] = 0, ["kid"] = 0, ["publicKey"] = 0, ["public_key"] = 0} -- hms.identity.v1.ServiceAccountKey
FIELDS[298] = {["departmentIds"] = 1, ["department_ids"] = 1, ["roleCode"] = 0, ["role_code"] = 0} -- hms.identity.v1.LimitedRole
FIELDS[299] = {["address"] = 564, ["gender"] = 0, ["name"] = 558, ["organization"] = 0, ["period"] = 614, ["relationships"] = 1, ["telecoms"] = 557} -- hms.patient.v1.Contact
FIELDS[300] = {["language"] = 0, ["preferred"] = 0} -- hms.patient.v1.Communication
FIELDS[301] = {["birthDate"] = 0, ["birth_date"] = 0, ["displayName"] = 0, ["display_name"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["reasons"] = 1, ["score"] = 0, ["uhid"] = 0} -- hms.patient.v1.DuplicateCandidate
FIELDS[302] = {["field"] = 0, ["keep"] = 0} -- hms.patient.v1.MergeDecision
FIELDS[303] = {["breaks"] = 617, ["capacity"] = 0, ["endTime"] = 0, ["end_time"] = 0, ["slotMinutes"] = 0, ["slot_minutes"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["walkInShare"] = 0, ["walk_in_share"] = 0, ["weekdays"] = 1} -- hms.scheduling.v1.ScheduleSession
FIELDS[304] = {["appointments"] = 619, ["total"] = 0} -- hms.scheduling.v1.StrandedAppointments
FIELDS[305] = {["code"] = 0, ["display"] = 0, ["system"] = 0} -- hms.common.v1.Coding
FIELDS[306] = {["count"] = 0, ["frequency"] = 0, ["interval"] = 0, ["untilDate"] = 0, ["until_date"] = 0, ["weekdays"] = 1} -- hms.scheduling.v1.Recurrence
FIELDS[307] = {["end"] = 0, ["start"] = 0} -- hms.patient.v1.Period
FIELDS[308] = {["endTime"] = 0, ["end_time"] = 0, ["startTime"] = 0, ["start_time"] = 0} -- hms.scheduling.v1.SessionBreak
FIELDS[309] = {["id"] = 0, ["movedToPractitionerId"] = 0, ["movedToStartTime"] = 0, ["moved_to_practitioner_id"] = 0, ["moved_to_start_time"] = 0, ["patientId"] = 0, ["patient_id"] = 0, ["practitionerId"] = 0, ["practitioner_id"] = 0, ["startTime"] = 0, ["start_time"] = 0, ["state"] = 0} -- hms.scheduling.v1.StrandedAppointment
local ROUTES = {["next"] = {[".well-known"] = {["next"] = {["jwks.json"] = {["verbs"] = {[""] = {["GET"] = {["query"] = 185, ["rpc"] = "/hms.identity.v1.IdentityService/GetJwks"}}}}}}, ["v1"] = {["next"] = {["addressRules"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 12, ["rpc"] = "/hms.admin.v1.AdminService/DeleteAddressRule"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 11, ["rpc"] = "/hms.admin.v1.AdminService/ListAddressRules"}, ["POST"] = {["body"] = 20, ["field"] = "address_rule", ["query"] = 9, ["rpc"] = "/hms.admin.v1.AdminService/CreateAddressRule"}}}}, ["allergies"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 87, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetAllergy"}, ["PATCH"] = {["body"] = 172, ["captures"] = {["allergy.id"] = true}, ["field"] = "allergy", ["query"] = 89, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendAllergy"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 180, ["captures"] = {["id"] = true}, ["query"] = 90, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkAllergyEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 88, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListAllergies"}, ["POST"] = {["body"] = 172, ["field"] = "allergy", ["query"] = 85, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateAllergy"}}}}, ["appointmentSeries"] = {["any"] = {["verbs"] = {["cancel"] = {["POST"] = {["body"] = 506, ["captures"] = {["seriesId"] = true, ["series_id"] = true}, ["query"] = 253, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CancelSeries"}}}}}, ["appointments"] = {["any"] = {["next"] = {["followUps"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 254, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListFollowUps"}}}}, ["reminders"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 255, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListReminders"}}}}, ["versions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 247, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListAppointmentVersions"}}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 245, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetAppointment"}, ["PATCH"] = {["body"] = 474, ["captures"] = {["appointment.id"] = true}, ["field"] = "appointment", ["query"] = 244, ["rpc"] = "/hms.scheduling.v1.SchedulingService/AmendAppointment"}}, ["arrive"] = {["POST"] = {["body"] = 512, ["captures"] = {["id"] = true}, ["query"] = 256, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ArriveAppointment"}}, ["book"] = {["POST"] = {["body"] = 480, ["captures"] = {["id"] = true}, ["query"] = 240, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BookHeldAppointment"}}, ["cancel"] = {["POST"] = {["body"] = 486, ["captures"] = {["id"] = true}, ["query"] = 243, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CancelAppointment"}}, ["checkIn"] = {["POST"] = {["body"] = 514, ["captures"] = {["id"] = true}, ["query"] = 257, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CheckInAppointment"}}, ["complete"] = {["POST"] = {["body"] = 518, ["captures"] = {["id"] = true}, ["query"] = 259, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CompleteAppointment"}}, ["confirm"] = {["POST"] = {["body"] = 482, ["captures"] = {["id"] = true}, ["query"] = 241, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ConfirmAppointment"}}, ["decline"] = {["POST"] = {["body"] = 502, ["captures"] = {["id"] = true}, ["query"] = 251, ["rpc"] = "/hms.scheduling.v1.SchedulingService/DeclineOffer"}}, ["noShow"] = {["POST"] = {["body"] = 516, ["captures"] = {["id"] = true}, ["query"] = 258, ["rpc"] = "/hms.scheduling.v1.SchedulingService/MarkNoShow"}}, ["offer"] = {["POST"] = {["body"] = 500, ["captures"] = {["id"] = true}, ["query"] = 250, ["rpc"] = "/hms.scheduling.v1.SchedulingService/OfferSlot"}}, ["reschedule"] = {["POST"] = {["body"] = 484, ["captures"] = {["id"] = true}, ["query"] = 242, ["rpc"] = "/hms.scheduling.v1.SchedulingService/RescheduleAppointment"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 246, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListAppointments"}, ["POST"] = {["body"] = 474, ["field"] = "appointment", ["query"] = 236, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BookAppointment"}}, ["batchBook"] = {["POST"] = {["body"] = 476, ["query"] = 238, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BatchBookAppointments"}}, ["bookSeries"] = {["POST"] = {["body"] = 504, ["query"] = 252, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BookSeries"}}, ["hold"] = {["POST"] = {["body"] = 470, ["query"] = 235, ["rpc"] = "/hms.scheduling.v1.SchedulingService/HoldAppointment"}}, ["overbook"] = {["POST"] = {["body"] = 478, ["query"] = 239, ["rpc"] = "/hms.scheduling.v1.SchedulingService/OverbookAppointment"}}, ["waitlist"] = {["POST"] = {["body"] = 496, ["query"] = 248, ["rpc"] = "/hms.scheduling.v1.SchedulingService/JoinWaitingList"}}}}, ["auditEvents"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 58, ["rpc"] = "/hms.audit.v1.AuditService/GetAuditEvent"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 57, ["rpc"] = "/hms.audit.v1.AuditService/ListAuditEvents"}}}}, ["auth"] = {["verbs"] = {["changePassword"] = {["POST"] = {["body"] = 342, ["query"] = 171, ["rpc"] = "/hms.identity.v1.IdentityService/ChangePassword"}}, ["completePasswordReset"] = {["POST"] = {["body"] = 346, ["query"] = 173, ["rpc"] = "/hms.identity.v1.IdentityService/CompletePasswordReset"}}, ["login"] = {["POST"] = {["body"] = 336, ["query"] = 168, ["rpc"] = "/hms.identity.v1.IdentityService/Login"}}, ["logout"] = {["POST"] = {["body"] = 340, ["query"] = 170, ["rpc"] = "/hms.identity.v1.IdentityService/Logout"}}, ["refresh"] = {["POST"] = {["body"] = 338, ["query"] = 169, ["rpc"] = "/hms.identity.v1.IdentityService/Refresh"}}, ["token"] = {["POST"] = {["body"] = 348, ["query"] = 174, ["rpc"] = "/hms.identity.v1.IdentityService/IssueServiceToken"}}}}, ["breakGlass"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 217, ["rpc"] = "/hms.patient.v1.PatientService/GetBreakGlass"}}, ["review"] = {["POST"] = {["body"] = 438, ["captures"] = {["id"] = true}, ["query"] = 219, ["rpc"] = "/hms.patient.v1.PatientService/ReviewBreakGlass"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 218, ["rpc"] = "/hms.patient.v1.PatientService/ListBreakGlass"}}}}, ["codeEntries"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 37, ["rpc"] = "/hms.admin.v1.AdminService/GetCodeEntry"}, ["PATCH"] = {["body"] = 72, ["captures"] = {["codeEntry.id"] = true, ["code_entry.id"] = true}, ["field"] = "code_entry", ["query"] = 39, ["rpc"] = "/hms.admin.v1.AdminService/UpdateCodeEntry"}}, ["deactivate"] = {["POST"] = {["body"] = 82, ["captures"] = {["id"] = true}, ["query"] = 41, ["rpc"] = "/hms.admin.v1.AdminService/DeactivateCodeEntry"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 38, ["rpc"] = "/hms.admin.v1.AdminService/ListCodeEntries"}, ["POST"] = {["body"] = 72, ["field"] = "code_entry", ["query"] = 35, ["rpc"] = "/hms.admin.v1.AdminService/CreateCodeEntry"}}, ["batchCreate"] = {["POST"] = {["body"] = 80, ["query"] = 40, ["rpc"] = "/hms.admin.v1.AdminService/BatchCreateCodeEntries"}}}}, ["codes"] = {["verbs"] = {["search"] = {["GET"] = {["query"] = 124, ["rpc"] = "/hms.clinical.v1.ClinicalService/SearchCodes"}}}}, ["conditions"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 81, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetCondition"}, ["PATCH"] = {["body"] = 160, ["captures"] = {["condition.id"] = true}, ["field"] = "condition", ["query"] = 83, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendCondition"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 168, ["captures"] = {["id"] = true}, ["query"] = 84, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkConditionEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 82, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListConditions"}, ["POST"] = {["body"] = 160, ["field"] = "condition", ["query"] = 79, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateCondition"}}}}, ["departments"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 49, ["rpc"] = "/hms.admin.v1.AdminService/DeleteDepartment"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 17, ["rpc"] = "/hms.admin.v1.AdminService/GetDepartment"}, ["PATCH"] = {["body"] = 32, ["captures"] = {["department.id"] = true}, ["field"] = "department", ["query"] = 19, ["rpc"] = "/hms.admin.v1.AdminService/UpdateDepartment"}}, ["undelete"] = {["POST"] = {["body"] = 100, ["captures"] = {["id"] = true}, ["query"] = 50, ["rpc"] = "/hms.admin.v1.AdminService/UndeleteDepartment"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 18, ["rpc"] = "/hms.admin.v1.AdminService/ListDepartments"}, ["POST"] = {["body"] = 32, ["field"] = "department", ["query"] = 15, ["rpc"] = "/hms.admin.v1.AdminService/CreateDepartment"}}, ["batchCreate"] = {["POST"] = {["body"] = 92, ["query"] = 46, ["rpc"] = "/hms.admin.v1.AdminService/BatchCreateDepartments"}}, ["tree"] = {["GET"] = {["query"] = 42, ["rpc"] = "/hms.admin.v1.AdminService/GetDepartmentTree"}}}}, ["diagnosticReports"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 111, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetDiagnosticReport"}, ["PATCH"] = {["body"] = 220, ["captures"] = {["diagnosticReport.id"] = true, ["diagnostic_report.id"] = true}, ["field"] = "diagnostic_report", ["query"] = 113, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendDiagnosticReport"}}, ["acknowledge"] = {["POST"] = {["body"] = 306, ["captures"] = {["id"] = true}, ["query"] = 153, ["rpc"] = "/hms.clinical.v1.ClinicalService/AcknowledgeResult"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 228, ["captures"] = {["id"] = true}, ["query"] = 114, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkDiagnosticReportEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 112, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDiagnosticReports"}, ["POST"] = {["body"] = 220, ["field"] = "diagnostic_report", ["query"] = 109, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDiagnosticReport"}}, ["unacknowledged"] = {["GET"] = {["query"] = 154, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListUnacknowledgedResults"}}}}, ["documents"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 117, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetDocument"}, ["PATCH"] = {["body"] = 232, ["captures"] = {["document.id"] = true}, ["field"] = "document", ["query"] = 119, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendDocument"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 240, ["captures"] = {["id"] = true}, ["query"] = 120, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkDocumentEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 118, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDocuments"}, ["POST"] = {["body"] = 232, ["field"] = "document", ["query"] = 115, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDocument"}}}}, ["encounters"] = {["any"] = {["next"] = {["allergies"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 88, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListAllergies"}, ["POST"] = {["body"] = 172, ["captures"] = {["allergy.encounterId"] = true, ["allergy.encounter_id"] = true}, ["field"] = "allergy", ["query"] = 85, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateAllergy"}}}}, ["conditions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 82, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListConditions"}, ["POST"] = {["body"] = 160, ["captures"] = {["condition.encounterId"] = true, ["condition.encounter_id"] = true}, ["field"] = "condition", ["query"] = 79, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateCondition"}}}}, ["diagnosticReports"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 112, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDiagnosticReports"}, ["POST"] = {["body"] = 220, ["captures"] = {["diagnosticReport.encounterId"] = true, ["diagnostic_report.encounter_id"] = true}, ["field"] = "diagnostic_report", ["query"] = 109, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDiagnosticReport"}}}}, ["documents"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 118, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDocuments"}, ["POST"] = {["body"] = 232, ["captures"] = {["document.encounterId"] = true, ["document.encounter_id"] = true}, ["field"] = "document", ["query"] = 115, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDocument"}}}}, ["immunizations"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 106, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListImmunizations"}, ["POST"] = {["body"] = 208, ["captures"] = {["immunization.encounterId"] = true, ["immunization.encounter_id"] = true}, ["field"] = "immunization", ["query"] = 103, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateImmunization"}}}}, ["notes"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 136, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListNotes"}, ["POST"] = {["body"] = 268, ["captures"] = {["note.encounterId"] = true, ["note.encounter_id"] = true}, ["field"] = "note", ["query"] = 133, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateNote"}}}}, ["observations"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 75, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListObservations"}, ["POST"] = {["body"] = 146, ["captures"] = {["observation.encounterId"] = true, ["observation.encounter_id"] = true}, ["field"] = "observation", ["query"] = 72, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateObservation"}}}}, ["orders"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 146, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListOrders"}, ["POST"] = {["body"] = 288, ["captures"] = {["order.encounterId"] = true, ["order.encounter_id"] = true}, ["field"] = "order", ["query"] = 143, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateOrder"}}}}, ["prescriptions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 94, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListPrescriptions"}, ["POST"] = {["body"] = 184, ["captures"] = {["prescription.encounterId"] = true, ["prescription.encounter_id"] = true}, ["field"] = "prescription", ["query"] = 91, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreatePrescription"}}}}, ["procedures"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 100, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListProcedures"}, ["POST"] = {["body"] = 196, ["captures"] = {["procedure.encounterId"] = true, ["procedure.encounter_id"] = true}, ["field"] = "procedure", ["query"] = 97, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateProcedure"}}}}, ["referrals"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 158, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListReferrals"}, ["POST"] = {["body"] = 312, ["captures"] = {["referral.encounterId"] = true, ["referral.encounter_id"] = true}, ["field"] = "referral", ["query"] = 155, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateReferral"}}}}, ["summary"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 166, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetVisitSummary"}}}}, ["vitalSigns"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 78, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListVitalSigns"}, ["POST"] = {["body"] = 264, ["captures"] = {["encounterId"] = true, ["encounter_id"] = true}, ["query"] = 132, ["rpc"] = "/hms.clinical.v1.ClinicalService/RecordVitalSigns"}}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 68, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetEncounter"}, ["PATCH"] = {["body"] = 134, ["captures"] = {["encounter.id"] = true}, ["field"] = "encounter", ["query"] = 70, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendEncounter"}}, ["complete"] = {["POST"] = {["body"] = 284, ["captures"] = {["id"] = true}, ["query"] = 142, ["rpc"] = "/hms.clinical.v1.ClinicalService/CompleteEncounter"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 142, ["captures"] = {["id"] = true}, ["query"] = 71, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkEncounterEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 69, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListEncounters"}, ["POST"] = {["body"] = 134, ["field"] = "encounter", ["query"] = 66, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateEncounter"}}, ["start"] = {["POST"] = {["body"] = 282, ["query"] = 141, ["rpc"] = "/hms.clinical.v1.ClinicalService/StartEncounter"}}}}, ["fhir"] = {["next"] = {["bundles"] = {["verbs"] = {["import"] = {["POST"] = {["body"] = -1, ["field"] = "bundle", ["query"] = 167, ["rpc"] = "/hms.fhir.v1.FhirService/ImportBundle", ["stream"] = 67108864}}}}}}, ["immunizations"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 105, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetImmunization"}, ["PATCH"] = {["body"] = 208, ["captures"] = {["immunization.id"] = true}, ["field"] = "immunization", ["query"] = 107, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendImmunization"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 216, ["captures"] = {["id"] = true}, ["query"] = 108, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkImmunizationEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 106, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListImmunizations"}, ["POST"] = {["body"] = 208, ["field"] = "immunization", ["query"] = 103, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateImmunization"}}}}, ["interactionRules"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 128, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetInteractionRule"}, ["PATCH"] = {["body"] = 254, ["captures"] = {["interactionRule.id"] = true, ["interaction_rule.id"] = true}, ["field"] = "interaction_rule", ["query"] = 130, ["rpc"] = "/hms.clinical.v1.ClinicalService/UpdateInteractionRule"}}, ["deactivate"] = {["POST"] = {["body"] = 262, ["captures"] = {["id"] = true}, ["query"] = 131, ["rpc"] = "/hms.clinical.v1.ClinicalService/DeactivateInteractionRule"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 129, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListInteractionRules"}, ["POST"] = {["body"] = 254, ["field"] = "interaction_rule", ["query"] = 126, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateInteractionRule"}}}}, ["legalHolds"] = {["any"] = {["verbs"] = {["release"] = {["POST"] = {["body"] = 124, ["captures"] = {["id"] = true}, ["query"] = 62, ["rpc"] = "/hms.audit.v1.AuditService/ReleaseLegalHold"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 61, ["rpc"] = "/hms.audit.v1.AuditService/ListLegalHolds"}, ["POST"] = {["body"] = 120, ["query"] = 60, ["rpc"] = "/hms.audit.v1.AuditService/PlaceLegalHold"}}}}, ["locations"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 55, ["rpc"] = "/hms.admin.v1.AdminService/DeleteLocation"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 32, ["rpc"] = "/hms.admin.v1.AdminService/GetLocation"}, ["PATCH"] = {["body"] = 62, ["captures"] = {["location.id"] = true}, ["field"] = "location", ["query"] = 34, ["rpc"] = "/hms.admin.v1.AdminService/UpdateLocation"}}, ["undelete"] = {["POST"] = {["body"] = 112, ["captures"] = {["id"] = true}, ["query"] = 56, ["rpc"] = "/hms.admin.v1.AdminService/UndeleteLocation"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 33, ["rpc"] = "/hms.admin.v1.AdminService/ListLocations"}, ["POST"] = {["body"] = 62, ["field"] = "location", ["query"] = 30, ["rpc"] = "/hms.admin.v1.AdminService/CreateLocation"}}, ["batchCreate"] = {["POST"] = {["body"] = 96, ["query"] = 48, ["rpc"] = "/hms.admin.v1.AdminService/BatchCreateLocations"}}}}, ["merges"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 213, ["rpc"] = "/hms.patient.v1.PatientService/GetMerge"}}, ["unmerge"] = {["POST"] = {["body"] = 424, ["captures"] = {["id"] = true}, ["query"] = 212, ["rpc"] = "/hms.patient.v1.PatientService/UnmergePatients"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 214, ["rpc"] = "/hms.patient.v1.PatientService/ListMerges"}}}}, ["notes"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 135, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetNote"}, ["PATCH"] = {["body"] = 268, ["captures"] = {["note.id"] = true}, ["field"] = "note", ["query"] = 137, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendNote"}}, ["coSign"] = {["POST"] = {["body"] = 278, ["captures"] = {["id"] = true}, ["query"] = 139, ["rpc"] = "/hms.clinical.v1.ClinicalService/CoSignNote"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 280, ["captures"] = {["id"] = true}, ["query"] = 140, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkNoteEnteredInError"}}, ["sign"] = {["POST"] = {["body"] = 276, ["captures"] = {["id"] = true}, ["query"] = 138, ["rpc"] = "/hms.clinical.v1.ClinicalService/SignNote"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 136, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListNotes"}, ["POST"] = {["body"] = 268, ["field"] = "note", ["query"] = 133, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateNote"}}}}, ["observations"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 74, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetObservation"}, ["PATCH"] = {["body"] = 146, ["captures"] = {["observation.id"] = true}, ["field"] = "observation", ["query"] = 76, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendObservation"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 154, ["captures"] = {["id"] = true}, ["query"] = 77, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkObservationEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 75, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListObservations"}, ["POST"] = {["body"] = 146, ["field"] = "observation", ["query"] = 72, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateObservation"}}}}, ["orders"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 145, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetOrder"}, ["PATCH"] = {["body"] = 288, ["captures"] = {["order.id"] = true}, ["field"] = "order", ["query"] = 147, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendOrder"}}, ["collect"] = {["POST"] = {["body"] = 298, ["captures"] = {["id"] = true}, ["query"] = 149, ["rpc"] = "/hms.clinical.v1.ClinicalService/CollectOrder"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 296, ["captures"] = {["id"] = true}, ["query"] = 148, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkOrderEnteredInError"}}, ["recordResults"] = {["POST"] = {["body"] = 304, ["captures"] = {["id"] = true}, ["query"] = 152, ["rpc"] = "/hms.clinical.v1.ClinicalService/RecordResults"}}, ["revoke"] = {["POST"] = {["body"] = 300, ["captures"] = {["id"] = true}, ["query"] = 150, ["rpc"] = "/hms.clinical.v1.ClinicalService/RevokeOrder"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 146, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListOrders"}, ["POST"] = {["body"] = 288, ["field"] = "order", ["query"] = 143, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateOrder"}}, ["worklist"] = {["GET"] = {["query"] = 151, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListOrderWorklist"}}}}, ["organizations"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 53, ["rpc"] = "/hms.admin.v1.AdminService/DeleteOrganization"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 27, ["rpc"] = "/hms.admin.v1.AdminService/GetOrganization"}, ["PATCH"] = {["body"] = 52, ["captures"] = {["organization.id"] = true}, ["field"] = "organization", ["query"] = 29, ["rpc"] = "/hms.admin.v1.AdminService/UpdateOrganization"}}, ["undelete"] = {["POST"] = {["body"] = 108, ["captures"] = {["id"] = true}, ["query"] = 54, ["rpc"] = "/hms.admin.v1.AdminService/UndeleteOrganization"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 28, ["rpc"] = "/hms.admin.v1.AdminService/ListOrganizations"}, ["POST"] = {["body"] = 52, ["field"] = "organization", ["query"] = 25, ["rpc"] = "/hms.admin.v1.AdminService/CreateOrganization"}}}}, ["patients"] = {["any"] = {["next"] = {["allergies"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 88, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListAllergies"}, ["POST"] = {["body"] = 172, ["captures"] = {["allergy.patientId"] = true, ["allergy.patient_id"] = true}, ["field"] = "allergy", ["query"] = 85, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateAllergy"}}}}, ["appointments"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 246, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListAppointments"}}}}, ["conditions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 82, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListConditions"}, ["POST"] = {["body"] = 160, ["captures"] = {["condition.patientId"] = true, ["condition.patient_id"] = true}, ["field"] = "condition", ["query"] = 79, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateCondition"}}}}, ["diagnosticReports"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 112, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDiagnosticReports"}, ["POST"] = {["body"] = 220, ["captures"] = {["diagnosticReport.patientId"] = true, ["diagnostic_report.patient_id"] = true}, ["field"] = "diagnostic_report", ["query"] = 109, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDiagnosticReport"}}}}, ["documents"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 118, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListDocuments"}, ["POST"] = {["body"] = 232, ["captures"] = {["document.patientId"] = true, ["document.patient_id"] = true}, ["field"] = "document", ["query"] = 115, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateDocument"}}}}, ["duplicates"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 208, ["rpc"] = "/hms.patient.v1.PatientService/ListDuplicateCandidates"}}}}, ["encounters"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 69, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListEncounters"}, ["POST"] = {["body"] = 134, ["captures"] = {["encounter.patientId"] = true, ["encounter.patient_id"] = true}, ["field"] = "encounter", ["query"] = 66, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateEncounter"}}}}, ["immunizations"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 106, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListImmunizations"}, ["POST"] = {["body"] = 208, ["captures"] = {["immunization.patientId"] = true, ["immunization.patient_id"] = true}, ["field"] = "immunization", ["query"] = 103, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateImmunization"}}}}, ["notes"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 136, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListNotes"}, ["POST"] = {["body"] = 268, ["captures"] = {["note.patientId"] = true, ["note.patient_id"] = true}, ["field"] = "note", ["query"] = 133, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateNote"}}}}, ["observations"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 75, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListObservations"}, ["POST"] = {["body"] = 146, ["captures"] = {["observation.patientId"] = true, ["observation.patient_id"] = true}, ["field"] = "observation", ["query"] = 72, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateObservation"}}}}, ["orders"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 146, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListOrders"}, ["POST"] = {["body"] = 288, ["captures"] = {["order.patientId"] = true, ["order.patient_id"] = true}, ["field"] = "order", ["query"] = 143, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateOrder"}}}}, ["prescriptions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 94, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListPrescriptions"}, ["POST"] = {["body"] = 184, ["captures"] = {["prescription.patientId"] = true, ["prescription.patient_id"] = true}, ["field"] = "prescription", ["query"] = 91, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreatePrescription"}}}}, ["procedures"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 100, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListProcedures"}, ["POST"] = {["body"] = 196, ["captures"] = {["procedure.patientId"] = true, ["procedure.patient_id"] = true}, ["field"] = "procedure", ["query"] = 97, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateProcedure"}}}}, ["referrals"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 158, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListReferrals"}, ["POST"] = {["body"] = 312, ["captures"] = {["referral.patientId"] = true, ["referral.patient_id"] = true}, ["field"] = "referral", ["query"] = 155, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateReferral"}}}}, ["summary"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 121, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetPatientSummary"}}}}, ["timeline"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 122, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetPatientTimeline"}}}}, ["versions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 207, ["rpc"] = "/hms.patient.v1.PatientService/ListPatientVersions"}}}}, ["vitalSigns"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 78, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListVitalSigns"}}}}}, ["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 203, ["rpc"] = "/hms.patient.v1.PatientService/DeletePatient"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 200, ["rpc"] = "/hms.patient.v1.PatientService/GetPatient"}, ["PATCH"] = {["body"] = 398, ["captures"] = {["patient.id"] = true}, ["field"] = "patient", ["query"] = 202, ["rpc"] = "/hms.patient.v1.PatientService/UpdatePatient"}}, ["breakGlass"] = {["POST"] = {["body"] = 432, ["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 216, ["rpc"] = "/hms.patient.v1.PatientService/BreakGlass"}}, ["disclosureReport"] = {["GET"] = {["captures"] = {["patientId"] = true, ["patient_id"] = true}, ["query"] = 59, ["rpc"] = "/hms.audit.v1.AuditService/GetDisclosureReport"}}, ["merge"] = {["POST"] = {["body"] = 422, ["captures"] = {["survivorId"] = true, ["survivor_id"] = true}, ["query"] = 211, ["rpc"] = "/hms.patient.v1.PatientService/MergePatients"}}, ["previewMerge"] = {["POST"] = {["body"] = 420, ["captures"] = {["survivorId"] = true, ["survivor_id"] = true}, ["query"] = 210, ["rpc"] = "/hms.patient.v1.PatientService/PreviewMerge"}}, ["setRestriction"] = {["POST"] = {["body"] = 430, ["captures"] = {["id"] = true}, ["query"] = 215, ["rpc"] = "/hms.patient.v1.PatientService/SetPatientRestriction"}}, ["undelete"] = {["POST"] = {["body"] = 408, ["captures"] = {["id"] = true}, ["query"] = 204, ["rpc"] = "/hms.patient.v1.PatientService/UndeletePatient"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 205, ["rpc"] = "/hms.patient.v1.PatientService/ListPatients"}, ["POST"] = {["body"] = 398, ["field"] = "patient", ["query"] = 198, ["rpc"] = "/hms.patient.v1.PatientService/CreatePatient"}}, ["batchGet"] = {["GET"] = {["query"] = 201, ["rpc"] = "/hms.patient.v1.PatientService/BatchGetPatients"}, ["POST"] = {["body"] = 402, ["query"] = 201, ["rpc"] = "/hms.patient.v1.PatientService/BatchGetPatients"}}, ["breakGlass"] = {["POST"] = {["body"] = 432, ["query"] = 216, ["rpc"] = "/hms.patient.v1.PatientService/BreakGlass"}}, ["duplicates"] = {["GET"] = {["query"] = 209, ["rpc"] = "/hms.patient.v1.PatientService/ListDuplicatePairs"}}, ["search"] = {["GET"] = {["query"] = 206, ["rpc"] = "/hms.patient.v1.PatientService/SearchPatients"}, ["POST"] = {["body"] = 412, ["query"] = 206, ["rpc"] = "/hms.patient.v1.PatientService/SearchPatients"}}}}, ["permissions"] = {["verbs"] = {[""] = {["GET"] = {["query"] = 197, ["rpc"] = "/hms.identity.v1.IdentityService/ListPermissions"}}}}, ["practitioners"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 51, ["rpc"] = "/hms.admin.v1.AdminService/DeletePractitioner"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 22, ["rpc"] = "/hms.admin.v1.AdminService/GetPractitioner"}, ["PATCH"] = {["body"] = 42, ["captures"] = {["practitioner.id"] = true}, ["field"] = "practitioner", ["query"] = 24, ["rpc"] = "/hms.admin.v1.AdminService/UpdatePractitioner"}}, ["linkUser"] = {["POST"] = {["body"] = 88, ["captures"] = {["id"] = true}, ["query"] = 44, ["rpc"] = "/hms.admin.v1.AdminService/LinkPractitionerUser"}}, ["undelete"] = {["POST"] = {["body"] = 104, ["captures"] = {["id"] = true}, ["query"] = 52, ["rpc"] = "/hms.admin.v1.AdminService/UndeletePractitioner"}}, ["unlinkUser"] = {["POST"] = {["body"] = 90, ["captures"] = {["id"] = true}, ["query"] = 45, ["rpc"] = "/hms.admin.v1.AdminService/UnlinkPractitionerUser"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 23, ["rpc"] = "/hms.admin.v1.AdminService/ListPractitioners"}, ["POST"] = {["body"] = 42, ["field"] = "practitioner", ["query"] = 20, ["rpc"] = "/hms.admin.v1.AdminService/CreatePractitioner"}}, ["batchCreate"] = {["POST"] = {["body"] = 94, ["query"] = 47, ["rpc"] = "/hms.admin.v1.AdminService/BatchCreatePractitioners"}}, ["mine"] = {["GET"] = {["query"] = 43, ["rpc"] = "/hms.admin.v1.AdminService/GetMyPractitioner"}}}}, ["prescriptions"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 93, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetPrescription"}, ["PATCH"] = {["body"] = 184, ["captures"] = {["prescription.id"] = true}, ["field"] = "prescription", ["query"] = 95, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendPrescription"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 192, ["captures"] = {["id"] = true}, ["query"] = 96, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkPrescriptionEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 94, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListPrescriptions"}, ["POST"] = {["body"] = 184, ["field"] = "prescription", ["query"] = 91, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreatePrescription"}}, ["check"] = {["POST"] = {["body"] = 184, ["field"] = "prescription", ["query"] = 125, ["rpc"] = "/hms.clinical.v1.ClinicalService/CheckPrescription"}}}}, ["procedures"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 99, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetProcedure"}, ["PATCH"] = {["body"] = 196, ["captures"] = {["procedure.id"] = true}, ["field"] = "procedure", ["query"] = 101, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendProcedure"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 204, ["captures"] = {["id"] = true}, ["query"] = 102, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkProcedureEnteredInError"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 100, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListProcedures"}, ["POST"] = {["body"] = 196, ["field"] = "procedure", ["query"] = 97, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateProcedure"}}}}, ["queueTokens"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 261, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetQueueToken"}}, ["call"] = {["POST"] = {["body"] = 532, ["captures"] = {["id"] = true}, ["query"] = 266, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CallQueueToken"}}, ["cancel"] = {["POST"] = {["body"] = 544, ["captures"] = {["id"] = true}, ["query"] = 272, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CancelQueueToken"}}, ["hold"] = {["POST"] = {["body"] = 536, ["captures"] = {["id"] = true}, ["query"] = 268, ["rpc"] = "/hms.scheduling.v1.SchedulingService/HoldQueueToken"}}, ["prioritise"] = {["POST"] = {["body"] = 542, ["captures"] = {["id"] = true}, ["query"] = 271, ["rpc"] = "/hms.scheduling.v1.SchedulingService/SetQueueTokenPriority"}}, ["return"] = {["POST"] = {["body"] = 538, ["captures"] = {["id"] = true}, ["query"] = 269, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ReturnQueueToken"}}, ["skip"] = {["POST"] = {["body"] = 534, ["captures"] = {["id"] = true}, ["query"] = 267, ["rpc"] = "/hms.scheduling.v1.SchedulingService/SkipQueueToken"}}, ["transfer"] = {["POST"] = {["body"] = 540, ["captures"] = {["id"] = true}, ["query"] = 270, ["rpc"] = "/hms.scheduling.v1.SchedulingService/TransferQueueToken"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 262, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListQueueTokens"}}}}, ["queues"] = {["any"] = {["next"] = {["tokens"] = {["verbs"] = {[""] = {["POST"] = {["body"] = 520, ["captures"] = {["practitionerId"] = true, ["practitioner_id"] = true}, ["query"] = 260, ["rpc"] = "/hms.scheduling.v1.SchedulingService/IssueQueueToken"}}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["practitionerId"] = true, ["practitioner_id"] = true}, ["query"] = 263, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetQueue"}}, ["board"] = {["GET"] = {["captures"] = {["practitionerId"] = true, ["practitioner_id"] = true}, ["query"] = 264, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetQueueBoard"}}, ["callNext"] = {["POST"] = {["body"] = 530, ["captures"] = {["practitionerId"] = true, ["practitioner_id"] = true}, ["query"] = 265, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CallNext"}}}}}, ["records"] = {["any"] = {["next"] = {["versions"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["recordId"] = true, ["record_id"] = true}, ["query"] = 123, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListRecordVersions"}}}}}}}, ["referrals"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 157, ["rpc"] = "/hms.clinical.v1.ClinicalService/GetReferral"}, ["PATCH"] = {["body"] = 312, ["captures"] = {["referral.id"] = true}, ["field"] = "referral", ["query"] = 159, ["rpc"] = "/hms.clinical.v1.ClinicalService/AmendReferral"}}, ["accept"] = {["POST"] = {["body"] = 322, ["captures"] = {["id"] = true}, ["query"] = 161, ["rpc"] = "/hms.clinical.v1.ClinicalService/AcceptReferral"}}, ["complete"] = {["POST"] = {["body"] = 326, ["captures"] = {["id"] = true}, ["query"] = 163, ["rpc"] = "/hms.clinical.v1.ClinicalService/CompleteReferral"}}, ["decline"] = {["POST"] = {["body"] = 324, ["captures"] = {["id"] = true}, ["query"] = 162, ["rpc"] = "/hms.clinical.v1.ClinicalService/DeclineReferral"}}, ["markEnteredInError"] = {["POST"] = {["body"] = 320, ["captures"] = {["id"] = true}, ["query"] = 160, ["rpc"] = "/hms.clinical.v1.ClinicalService/MarkReferralEnteredInError"}}, ["revoke"] = {["POST"] = {["body"] = 328, ["captures"] = {["id"] = true}, ["query"] = 164, ["rpc"] = "/hms.clinical.v1.ClinicalService/RevokeReferral"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 158, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListReferrals"}, ["POST"] = {["body"] = 312, ["field"] = "referral", ["query"] = 155, ["rpc"] = "/hms.clinical.v1.ClinicalService/CreateReferral"}}, ["inbox"] = {["GET"] = {["query"] = 165, ["rpc"] = "/hms.clinical.v1.ClinicalService/ListReferralInbox"}}}}, ["roles"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 196, ["rpc"] = "/hms.identity.v1.IdentityService/DeleteRole"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 193, ["rpc"] = "/hms.identity.v1.IdentityService/GetRole"}, ["PATCH"] = {["body"] = 384, ["captures"] = {["role.id"] = true}, ["field"] = "role", ["query"] = 195, ["rpc"] = "/hms.identity.v1.IdentityService/UpdateRole"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 194, ["rpc"] = "/hms.identity.v1.IdentityService/ListRoles"}, ["POST"] = {["body"] = 384, ["field"] = "role", ["query"] = 191, ["rpc"] = "/hms.identity.v1.IdentityService/CreateRole"}}}}, ["scheduleExceptions"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 232, ["rpc"] = "/hms.scheduling.v1.SchedulingService/DeleteScheduleException"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 229, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetScheduleException"}, ["PATCH"] = {["body"] = 456, ["captures"] = {["scheduleException.id"] = true, ["schedule_exception.id"] = true}, ["field"] = "schedule_exception", ["query"] = 231, ["rpc"] = "/hms.scheduling.v1.SchedulingService/UpdateScheduleException"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 230, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListScheduleExceptions"}, ["POST"] = {["body"] = 456, ["field"] = "schedule_exception", ["query"] = 227, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CreateScheduleException"}}, ["batchCreate"] = {["POST"] = {["body"] = 466, ["query"] = 233, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BatchCreateScheduleExceptions"}}}}, ["schedules"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 225, ["rpc"] = "/hms.scheduling.v1.SchedulingService/DeleteSchedule"}, ["GET"] = {["captures"] = {["id"] = true}, ["query"] = 222, ["rpc"] = "/hms.scheduling.v1.SchedulingService/GetSchedule"}, ["PATCH"] = {["body"] = 442, ["captures"] = {["schedule.id"] = true}, ["field"] = "schedule", ["query"] = 224, ["rpc"] = "/hms.scheduling.v1.SchedulingService/UpdateSchedule"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 223, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListSchedules"}, ["POST"] = {["body"] = 442, ["field"] = "schedule", ["query"] = 220, ["rpc"] = "/hms.scheduling.v1.SchedulingService/CreateSchedule"}}, ["batchCreate"] = {["POST"] = {["body"] = 452, ["query"] = 226, ["rpc"] = "/hms.scheduling.v1.SchedulingService/BatchCreateSchedules"}}}}, ["serviceAccounts"] = {["any"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 177, ["rpc"] = "/hms.identity.v1.IdentityService/GetServiceAccount"}, ["PATCH"] = {["body"] = 352, ["captures"] = {["serviceAccount.id"] = true, ["service_account.id"] = true}, ["field"] = "service_account", ["query"] = 179, ["rpc"] = "/hms.identity.v1.IdentityService/UpdateServiceAccount"}}, ["addKey"] = {["POST"] = {["body"] = 362, ["captures"] = {["id"] = true}, ["query"] = 181, ["rpc"] = "/hms.identity.v1.IdentityService/AddServiceAccountKey"}}, ["removeKey"] = {["POST"] = {["body"] = 364, ["captures"] = {["id"] = true}, ["query"] = 182, ["rpc"] = "/hms.identity.v1.IdentityService/RemoveServiceAccountKey"}}, ["rotateSecret"] = {["POST"] = {["body"] = 360, ["captures"] = {["id"] = true}, ["query"] = 180, ["rpc"] = "/hms.identity.v1.IdentityService/RotateServiceAccountSecret"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 178, ["rpc"] = "/hms.identity.v1.IdentityService/ListServiceAccounts"}, ["POST"] = {["body"] = 352, ["field"] = "service_account", ["query"] = 175, ["rpc"] = "/hms.identity.v1.IdentityService/CreateServiceAccount"}}}}, ["sessions"] = {["any"] = {["verbs"] = {[""] = {["DELETE"] = {["captures"] = {["id"] = true}, ["query"] = 184, ["rpc"] = "/hms.identity.v1.IdentityService/RevokeSession"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 183, ["rpc"] = "/hms.identity.v1.IdentityService/ListSessions"}}}}, ["settings"] = {["verbs"] = {[""] = {["GET"] = {["query"] = 6, ["rpc"] = "/hms.admin.v1.AdminService/GetSettings"}, ["PATCH"] = {["body"] = 16, ["field"] = "settings", ["query"] = 7, ["rpc"] = "/hms.admin.v1.AdminService/UpdateSettings"}}}}, ["slots"] = {["verbs"] = {["search"] = {["GET"] = {["query"] = 234, ["rpc"] = "/hms.scheduling.v1.SchedulingService/SearchSlots"}, ["POST"] = {["body"] = 468, ["query"] = 234, ["rpc"] = "/hms.scheduling.v1.SchedulingService/SearchSlots"}}}}, ["tenants"] = {["any"] = {["next"] = {["legalHolds"] = {["any"] = {["verbs"] = {["release"] = {["POST"] = {["body"] = 130, ["captures"] = {["id"] = true, ["tenantId"] = true, ["tenant_id"] = true}, ["query"] = 65, ["rpc"] = "/hms.audit.v1.AuditService/ReleaseTenantLegalHold"}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["tenantId"] = true, ["tenant_id"] = true}, ["query"] = 64, ["rpc"] = "/hms.audit.v1.AuditService/ListTenantLegalHolds"}, ["POST"] = {["body"] = 126, ["captures"] = {["tenantId"] = true, ["tenant_id"] = true}, ["query"] = 63, ["rpc"] = "/hms.audit.v1.AuditService/PlaceTenantLegalHold"}}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 2, ["rpc"] = "/hms.admin.v1.AdminService/GetTenant"}, ["PATCH"] = {["body"] = 10, ["captures"] = {["tenant.id"] = true}, ["field"] = "tenant", ["query"] = 4, ["rpc"] = "/hms.admin.v1.AdminService/UpdateTenant"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 3, ["rpc"] = "/hms.admin.v1.AdminService/ListTenants"}, ["POST"] = {["body"] = 2, ["query"] = 1, ["rpc"] = "/hms.admin.v1.AdminService/CreateTenant"}}}}, ["users"] = {["any"] = {["next"] = {["departments"] = {["verbs"] = {[""] = {["GET"] = {["captures"] = {["userId"] = true, ["user_id"] = true}, ["query"] = 13, ["rpc"] = "/hms.admin.v1.AdminService/GetUserDepartments"}}}}}, ["verbs"] = {[""] = {["GET"] = {["captures"] = {["id"] = true}, ["query"] = 188, ["rpc"] = "/hms.identity.v1.IdentityService/GetUser"}, ["PATCH"] = {["body"] = 374, ["captures"] = {["user.id"] = true}, ["field"] = "user", ["query"] = 190, ["rpc"] = "/hms.identity.v1.IdentityService/UpdateUser"}}, ["resetPassword"] = {["POST"] = {["body"] = 344, ["captures"] = {["id"] = true}, ["query"] = 172, ["rpc"] = "/hms.identity.v1.IdentityService/ResetPassword"}}, ["setDepartments"] = {["POST"] = {["body"] = 28, ["captures"] = {["userId"] = true, ["user_id"] = true}, ["query"] = 14, ["rpc"] = "/hms.admin.v1.AdminService/SetUserDepartments"}}}}, ["verbs"] = {[""] = {["GET"] = {["query"] = 189, ["rpc"] = "/hms.identity.v1.IdentityService/ListUsers"}, ["POST"] = {["body"] = 374, ["field"] = "user", ["query"] = 186, ["rpc"] = "/hms.identity.v1.IdentityService/CreateUser"}}}}, ["waitingList"] = {["verbs"] = {[""] = {["GET"] = {["query"] = 249, ["rpc"] = "/hms.scheduling.v1.SchedulingService/ListWaitingList"}}}}}}}}
local STREAMS = {["/grpc.health.v1.Health/Watch"] = true, ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = true, ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = true}
local LIMITS = {["/hms.audit.v1.AuditService/GetDisclosureReport"] = 60000, ["/hms.fhir.v1.FhirService/ImportBundle"] = 300000}
local READS = {["/hms.admin.v1.AdminService/GetCodeEntry"] = true, ["/hms.admin.v1.AdminService/GetDepartment"] = true, ["/hms.admin.v1.AdminService/GetDepartmentTree"] = true, ["/hms.admin.v1.AdminService/GetLocation"] = true, ["/hms.admin.v1.AdminService/GetMyPractitioner"] = true, ["/hms.admin.v1.AdminService/GetOrganization"] = true, ["/hms.admin.v1.AdminService/GetPractitioner"] = true, ["/hms.admin.v1.AdminService/GetSettings"] = true, ["/hms.admin.v1.AdminService/GetTenant"] = true, ["/hms.admin.v1.AdminService/GetUserDepartments"] = true, ["/hms.admin.v1.AdminService/ListAddressRules"] = true, ["/hms.admin.v1.AdminService/ListCodeEntries"] = true, ["/hms.admin.v1.AdminService/ListDepartments"] = true, ["/hms.admin.v1.AdminService/ListLocations"] = true, ["/hms.admin.v1.AdminService/ListOrganizations"] = true, ["/hms.admin.v1.AdminService/ListPractitioners"] = true, ["/hms.admin.v1.AdminService/ListTenants"] = true, ["/hms.audit.v1.AuditService/GetAuditEvent"] = true, ["/hms.audit.v1.AuditService/GetDisclosureReport"] = true, ["/hms.audit.v1.AuditService/ListAuditEvents"] = true, ["/hms.audit.v1.AuditService/ListLegalHolds"] = true, ["/hms.audit.v1.AuditService/ListTenantLegalHolds"] = true, ["/hms.clinical.v1.ClinicalService/GetAllergy"] = true, ["/hms.clinical.v1.ClinicalService/GetCondition"] = true, ["/hms.clinical.v1.ClinicalService/GetDiagnosticReport"] = true, ["/hms.clinical.v1.ClinicalService/GetDocument"] = true, ["/hms.clinical.v1.ClinicalService/GetEncounter"] = true, ["/hms.clinical.v1.ClinicalService/GetImmunization"] = true, ["/hms.clinical.v1.ClinicalService/GetInteractionRule"] = true, ["/hms.clinical.v1.ClinicalService/GetNote"] = true, ["/hms.clinical.v1.ClinicalService/GetObservation"] = true, ["/hms.clinical.v1.ClinicalService/GetOrder"] = true, ["/hms.clinical.v1.ClinicalService/GetPatientSummary"] = true, ["/hms.clinical.v1.ClinicalService/GetPatientTimeline"] = true, ["/hms.clinical.v1.ClinicalService/GetPrescription"] = true, ["/hms.clinical.v1.ClinicalService/GetProcedure"] = true, ["/hms.clinical.v1.ClinicalService/GetReferral"] = true, ["/hms.clinical.v1.ClinicalService/GetVisitSummary"] = true, ["/hms.clinical.v1.ClinicalService/ListAllergies"] = true, ["/hms.clinical.v1.ClinicalService/ListConditions"] = true, ["/hms.clinical.v1.ClinicalService/ListDiagnosticReports"] = true, ["/hms.clinical.v1.ClinicalService/ListDocuments"] = true, ["/hms.clinical.v1.ClinicalService/ListEncounters"] = true, ["/hms.clinical.v1.ClinicalService/ListImmunizations"] = true, ["/hms.clinical.v1.ClinicalService/ListInteractionRules"] = true, ["/hms.clinical.v1.ClinicalService/ListNotes"] = true, ["/hms.clinical.v1.ClinicalService/ListObservations"] = true, ["/hms.clinical.v1.ClinicalService/ListOrderWorklist"] = true, ["/hms.clinical.v1.ClinicalService/ListOrders"] = true, ["/hms.clinical.v1.ClinicalService/ListPrescriptions"] = true, ["/hms.clinical.v1.ClinicalService/ListProcedures"] = true, ["/hms.clinical.v1.ClinicalService/ListRecordVersions"] = true, ["/hms.clinical.v1.ClinicalService/ListReferralInbox"] = true, ["/hms.clinical.v1.ClinicalService/ListReferrals"] = true, ["/hms.clinical.v1.ClinicalService/ListUnacknowledgedResults"] = true, ["/hms.clinical.v1.ClinicalService/ListVitalSigns"] = true, ["/hms.clinical.v1.ClinicalService/SearchCodes"] = true, ["/hms.identity.v1.IdentityService/GetJwks"] = true, ["/hms.identity.v1.IdentityService/GetRole"] = true, ["/hms.identity.v1.IdentityService/GetServiceAccount"] = true, ["/hms.identity.v1.IdentityService/GetUser"] = true, ["/hms.identity.v1.IdentityService/ListPermissions"] = true, ["/hms.identity.v1.IdentityService/ListRoles"] = true, ["/hms.identity.v1.IdentityService/ListServiceAccounts"] = true, ["/hms.identity.v1.IdentityService/ListSessions"] = true, ["/hms.identity.v1.IdentityService/ListUsers"] = true, ["/hms.patient.v1.PatientService/BatchGetPatients"] = true, ["/hms.patient.v1.PatientService/GetBreakGlass"] = true, ["/hms.patient.v1.PatientService/GetMerge"] = true, ["/hms.patient.v1.PatientService/GetPatient"] = true, ["/hms.patient.v1.PatientService/ListBreakGlass"] = true, ["/hms.patient.v1.PatientService/ListDuplicateCandidates"] = true, ["/hms.patient.v1.PatientService/ListDuplicatePairs"] = true, ["/hms.patient.v1.PatientService/ListMerges"] = true, ["/hms.patient.v1.PatientService/ListPatientVersions"] = true, ["/hms.patient.v1.PatientService/ListPatients"] = true, ["/hms.patient.v1.PatientService/SearchPatients"] = true, ["/hms.scheduling.v1.SchedulingService/GetAppointment"] = true, ["/hms.scheduling.v1.SchedulingService/GetQueue"] = true, ["/hms.scheduling.v1.SchedulingService/GetQueueBoard"] = true, ["/hms.scheduling.v1.SchedulingService/GetQueueToken"] = true, ["/hms.scheduling.v1.SchedulingService/GetSchedule"] = true, ["/hms.scheduling.v1.SchedulingService/GetScheduleException"] = true, ["/hms.scheduling.v1.SchedulingService/ListAppointmentVersions"] = true, ["/hms.scheduling.v1.SchedulingService/ListAppointments"] = true, ["/hms.scheduling.v1.SchedulingService/ListFollowUps"] = true, ["/hms.scheduling.v1.SchedulingService/ListQueueTokens"] = true, ["/hms.scheduling.v1.SchedulingService/ListReminders"] = true, ["/hms.scheduling.v1.SchedulingService/ListScheduleExceptions"] = true, ["/hms.scheduling.v1.SchedulingService/ListSchedules"] = true, ["/hms.scheduling.v1.SchedulingService/ListWaitingList"] = true, ["/hms.scheduling.v1.SchedulingService/SearchSlots"] = true}

-- Text helpers: UTF-8, JSON quoting, percent-encoding.

local byte, char, find, format, gsub, sub =
  string.byte, string.char, string.find, string.format, string.gsub, string.sub

-- The position after the UTF-8 character that starts at `i` with a byte of 128 or more, or nil where
-- the bytes are not UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
local function after_character(s, i)
  local a, b = byte(s, i), byte(s, i + 1)
  if not b or b < 0x80 or b > 0xBF then return nil end
  if a >= 0xC2 and a <= 0xDF then return i + 2 end
  local c = byte(s, i + 2)
  if not c or c < 0x80 or c > 0xBF then return nil end
  if a >= 0xE0 and a <= 0xEF then
    if (a == 0xE0 and b < 0xA0) or (a == 0xED and b > 0x9F) then return nil end
    return i + 3
  end
  local d = byte(s, i + 3)
  if not d or d < 0x80 or d > 0xBF then return nil end
  if a >= 0xF0 and a <= 0xF4 then
    if (a == 0xF0 and b < 0x90) or (a == 0xF4 and b > 0x8F) then return nil end
    return i + 4
  end
  return nil
end

local function is_utf8(s)
  local i = find(s, "[\128-\255]")
  while i do
    i = after_character(s, i)
    if not i then return false end
    i = find(s, "[\128-\255]", i)
  end
  return true
end

local QUOTED = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function quote(s)
  return '"' .. gsub(s, '[%c"\\]', function(c)
    return QUOTED[c] or format("\\u%04x", byte(c))
  end) .. '"'
end

-- At most 64 bytes of a name that the caller chose, cut between characters.
local function shorten(name)
  if #name <= 64 then return name end
  return gsub(sub(name, 1, 61), "[\192-\255][\128-\191]*$", "") .. "..."
end

-- The text behind percent-encoding, or nil and what is wrong with it.
local function decode(s)
  if find(s, "%%%X") or find(s, "%%%x%X") or find(s, "%%%x?$") then
    return nil, "a percent sign must be followed by two hexadecimal digits"
  end
  local plain = gsub(s, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end)
  if find(plain, "%z") then return nil, "a NUL character is not allowed" end
  if not is_utf8(plain) then return nil, "the text is not UTF-8" end
  return plain
end

-- One pass over a JSON text: is it JSON (RFC 8259), and does every key name a field that exists?
-- The cost is linear in the text; nesting, the number of values and that of violations are bounded, so
-- that no body holds up the worker thread for long.

local MAX_DEPTH = 32
local MAX_VALUES = 50000
local MAX_VIOLATIONS = 20

-- State of the scan under way. A scan never yields, and each worker thread has its own Lua.
local text, violations, frames, depth, values

local function malformed(position, what)
  error({ message = format("The body is not valid JSON: %s at byte %d.", what, position) }, 0)
end

-- The path of the value being read: "patient.names[0].text".
local function path_of(name)
  local parts = {}
  for level = 0, depth do
    local frame = frames[level]
    if type(frame) == "number" then
      parts[#parts + 1] = "[" .. frame .. "]"
    elseif frame and frame ~= "" then
      parts[#parts + 1] = (#parts > 0 and "." or "") .. frame
    end
  end
  if name then parts[#parts + 1] = (#parts > 0 and "." or "") .. name end
  return table.concat(parts)
end

local function violation(name, description)
  if #violations < MAX_VIOLATIONS then
    local field = path_of(name)
    violations[#violations + 1] = { field ~= "" and field or "body", description }
  end
end

local function skip_blanks(position)
  local _, last = find(text, "^[ \t\r\n]*", position)
  return last + 1
end

-- The code unit of "\uXXXX" at `position` (that of the backslash), or an error.
local function code_unit(position)
  local digits = string.match(text, "^\\u(%x%x%x%x)", position)
  if not digits then malformed(position, "a bad escape") end
  return tonumber(digits, 16)
end

-- The position after the string whose first character stands at `position`.
local function after_string(position)
  while true do
    position = find(text, '[%c"\\\128-\255]', position)
    if not position then malformed(#text + 1, "a string without an end") end
    local b = byte(text, position)
    if b == 34 then return position + 1 end
    if b == 92 then
      local escaped = sub(text, position + 1, position + 1)
      if escaped == "u" then
        local unit = code_unit(position)
        if unit >= 0xD800 and unit <= 0xDBFF then
          local low = code_unit(position + 6)
          if low < 0xDC00 or low > 0xDFFF then malformed(position, "half a surrogate pair") end
          position = position + 12
        elseif unit >= 0xDC00 and unit <= 0xDFFF then
          malformed(position, "half a surrogate pair")
        else
          position = position + 6
        end
      elseif escaped ~= "" and find('"\\/bfnrt', escaped, 1, true) then
        position = position + 2
      else
        malformed(position, "a bad escape")
      end
    elseif b == 127 then
      position = position + 1
    elseif b < 32 then
      malformed(position, "a control character in a string")
    else
      local following = after_character(text, position)
      if not following then malformed(position, "text that is not UTF-8") end
      position = following
    end
  end
end

local function after_number(position)
  local _, last = find(text, "^-?%d+", position)
  if not last or find(text, "^-?0%d", position) then malformed(position, "a bad number") end
  local _, fraction = find(text, "^%.%d+", last + 1)
  last = fraction or last
  local _, exponent = find(text, "^[eE][+-]?%d+", last + 1)
  return (exponent or last) + 1
end

-- A key without the escapes of ASCII letters: no field's name holds anything else.
local function plain_key(raw)
  if not find(raw, "\\", 1, true) then return raw end
  return (gsub(raw, "\\u00([0-7]%x)", function(digits) return char(tonumber(digits, 16)) end))
end

-- One name for both spellings of a field (given_name, givenName). Keys of a map are what they are.
local function field_of(key, fields)
  if not fields[key] then return key end
  return string.lower((gsub(key, "_", "")))
end

local after_value

local function after_object(position, fields)
  position = skip_blanks(position)
  if byte(text, position) == 125 then return position + 1 end
  local seen = {}
  while true do
    if byte(text, position) ~= 34 then malformed(position, "a key in quotes is missing") end
    local last = after_string(position + 1)
    local shape = -1
    local key = fields and plain_key(sub(text, position + 1, last - 2))
    if fields then
      shape = fields[key] or fields["*"]
      if not shape then
        violation(shorten(key), "no such field")
        shape = -1
      end
      -- Whoever looks at the body on its way might read the one, and the server the other.
      local field = field_of(key, fields)
      if seen[field] then violation(shorten(key), "stands twice") end
      seen[field] = true
    end
    position = skip_blanks(last)
    if byte(text, position) ~= 58 then malformed(position, "a colon is missing") end
    frames[depth] = key and shorten(key) or ""
    position = skip_blanks(after_value(skip_blanks(position + 1), shape))
    frames[depth] = ""
    local b = byte(text, position)
    if b == 125 then return position + 1 end
    if b ~= 44 then malformed(position, "a comma or the end of an object is missing") end
    position = skip_blanks(position + 1)
  end
end

local function after_array(position, shape)
  position = skip_blanks(position)
  if byte(text, position) == 93 then return position + 1 end
  local index = 0
  while true do
    frames[depth] = shape >= 0 and index or ""
    position = skip_blanks(after_value(position, shape))
    frames[depth] = ""
    local b = byte(text, position)
    if b == 93 then return position + 1 end
    if b ~= 44 then malformed(position, "a comma or the end of a list is missing") end
    position = skip_blanks(position + 1)
    index = index + 1
  end
end

-- What the value of a shape has to be; nil where the kind that was found is right.
local function mismatch(shape, kind)
  if shape < 0 or kind == "null" then return nil end
  if shape % 2 == 1 then return kind ~= "list" and "must be a list" or nil end
  if shape > 0 then return kind ~= "object" and "must be an object" or nil end
  if kind == "list" or kind == "object" then return "must be a single value" end
  return nil
end

local LITERALS = { [116] = "true", [102] = "false", [110] = "null" }

-- The position after the value at `position`, whose JSON should have the given shape.
function after_value(position, shape)
  values = values + 1
  if values > MAX_VALUES then
    error({ message = format("The body holds more than %d values.", MAX_VALUES), too_large = true }, 0)
  end
  local b = byte(text, position)
  if b == nil then malformed(position, "the end of the text came too early") end
  local literal = LITERALS[b]
  local kind = b == 123 and "object" or b == 91 and "list" or literal == "null" and "null" or "single"
  local wrong = mismatch(shape, kind)
  if wrong then
    violation(nil, wrong)
    shape = -1
  end
  if kind == "object" or kind == "list" then
    if depth == MAX_DEPTH then malformed(position, "more than " .. MAX_DEPTH .. " levels") end
    depth = depth + 1
    frames[depth] = ""
    if kind == "object" then
      position = after_object(position + 1, FIELDS[math.floor(shape / 2)])
    else
      position = after_array(position + 1, shape < 0 and -1 or shape - 1)
    end
    depth = depth - 1
    return position
  end
  if b == 34 then return after_string(position + 1) end
  if literal then
    if sub(text, position, position + #literal - 1) ~= literal then
      malformed(position, "a bad word")
    end
    return position + #literal
  end
  return after_number(position)
end

-- Checks `body`, whose root stands for the field `root` ("" for the whole request). Answers a fault
-- {message, too_large}, or nil and the list of violations as {field, description} pairs.
local function check_json(body, shape, root)
  text, violations, frames, depth, values = body, {}, { [0] = root }, 0, 0
  local ok, fault = pcall(function()
    local position = skip_blanks(after_value(skip_blanks(1), shape))
    if position <= #text then malformed(position, "text after the end") end
  end)
  local found = violations
  text, violations, frames = nil, nil, nil
  if ok then return nil, found end
  if type(fault) ~= "table" then error(fault, 0) end
  return fault, nil
end

-- Which RPC a REST path means, and whether its query names fields that exist.

-- The child of a node for a segment; `try` goes on from it. The literal child comes first, then the
-- variable one.
local function descend(node, segment, try)
  local child = node.next and node.next[segment]
  local found = child and try(child)
  if found then return found end
  return segment ~= "" and node.any and try(node.any) or nil
end

-- The ends of what is left of a path below `node`: a table from HTTP method to route, or nil.
local function find_below(node, rest)
  local slash = find(rest, "/", 1, true)
  if slash then
    local below = sub(rest, slash + 1)
    return descend(node, sub(rest, 1, slash - 1), function(child) return find_below(child, below) end)
  end
  local name, verb = string.match(rest, "^(.*):([^:]*)$")
  local found = name and descend(node, name, function(child)
    return child.verbs and child.verbs[verb]
  end)
  return found or descend(node, rest, function(child) return child.verbs and child.verbs[""] end)
end

local function find_ends(path)
  return find_below(ROUTES, sub(path, 2, sub(path, -1) == "/" and -2 or -1))
end

local function allowed(ends)
  local names = {}
  for name in pairs(ends) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

-- Whether a dotted query parameter leads to a field of the message.
local function is_field(name, message)
  local shape = 2 * message
  for part in string.gmatch(name .. ".", "([^.]*)%.") do
    local fields = FIELDS[math.floor(shape / 2)]
    shape = fields and (fields[part] or fields["*"])
    if not shape then return false end
  end
  return true
end

-- What is wrong with a query parameter of that name; nil where it is right. A field that comes from the
-- path or the body must not be told a second time.
local function wrong_parameter(name, route)
  if not is_field(name, route.query) then return "no such query parameter" end
  if route.captures and route.captures[name] then return "is given by the path" end
  if route.body and (not route.field or string.match(name, "^[^.]*") == route.field) then
    return "belongs into the body"
  end
  return nil
end

-- Query parameters that cannot be, as {field, description} pairs.
local function check_query(query, route)
  local found = {}
  for pair in string.gmatch(query, "[^&]+") do
    local name = string.match(pair, "^[^=]*")
    name = gsub(name, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end)
    local wrong = #found < 20 and wrong_parameter(name, route)
    if wrong then found[#found + 1] = { shorten(name), wrong } end
  end
  return found
end

-- The words that paths of the API are made of.
local WORDS = {}

local function collect(node)
  for word, child in pairs(node.next or {}) do
    WORDS[word] = true
    collect(child)
  end
  if node.any then collect(node.any) end
  for verb in pairs(node.verbs or {}) do WORDS[verb] = true end
end
collect(ROUTES)

local UUID = "^" .. string.rep("%x", 8) .. string.rep("%-" .. string.rep("%x", 4), 3) .. "%-" ..
  string.rep("%x", 12) .. "$"

-- A path for the access log. A client may write anything there, a patient's name as well: only the API's
-- own words and ids are shown.
local function loggable(path)
  return (gsub(path, "[^/:]+", function(word)
    return (WORDS[word] or find(word, UUID)) and word or "*"
  end))
end

-- What Envoy calls: the checks before the transcoder, and the finish of each reply behind it.

local MALFORMED, INVALID, TOO_LARGE, UNIMPLEMENTED =
  "MALFORMED_REQUEST", "INVALID_ARGUMENT", "REQUEST_TOO_LARGE", "UNIMPLEMENTED"

-- Time that the server has beyond the deadline to say itself that it passed.
local GRACE_MS = 500

local UNITS = { H = 3600000, M = 60000, S = 1000, m = 1, u = 0.001, n = 0.000001 }

local function is_grpc(headers)
  return find(headers:get("content-type") or "", "^application/grpc") ~= nil
end

-- Answers a REST request with google.rpc.Status; a gRPC request gets code and message, to which the
-- status script adds the details.
local function refuse(handle, http, code, reason, message, fields, allow)
  if is_grpc(handle:headers()) then
    handle:respond({ [":status"] = http, ["grpc-status"] = tostring(code) }, message)
    return
  end
  local request_id = handle:headers():get("x-request-id")
  local details = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"' .. reason ..
    '","domain":"hms","metadata":{' .. (request_id and '"request_id":' .. quote(request_id) or "") .. "}}"
  if fields then
    local list = {}
    for i, pair in ipairs(fields) do
      list[i] = '{"field":' .. quote(pair[1]) .. ',"description":' .. quote(pair[2]) .. "}"
    end
    details = details .. ',{"@type":"type.googleapis.com/google.rpc.BadRequest","field_violations":[' ..
      table.concat(list, ",") .. "]}"
  end
  local body = '{"code":' .. code .. ',"message":' .. quote(message) .. ',"details":[' .. details .. "]}"
  handle:respond({ [":status"] = http, ["allow"] = allow }, body)
end

local function refuse_fields(handle, fields)
  refuse(handle, "400", 3, INVALID, fields[1][1] .. ": " .. fields[1][2] .. ".", fields)
end

-- The caller's deadline in milliseconds; nil where it set none, false where it cannot be read.
local function asked_timeout(headers)
  local value = headers:get("grpc-timeout")
  if value then
    local digits, unit = string.match(value, "^(%d+)([HMSmun])$")
    if not digits or #digits > 8 then return false end
    return tonumber(digits) * UNITS[unit]
  end
  value = headers:get("x-request-timeout")
  if not value then return nil end
  if #value > 10 or not (find(value, "^%d+$") or find(value, "^%d+%.%d+$")) then return false end
  return tonumber(value) * 1000
end

local function write_timeout(milliseconds)
  if milliseconds <= 99999999 then return format("%dm", milliseconds) end
  return format("%dS", math.min(math.ceil(milliseconds / 1000), 99999999))
end

-- Gives the server a deadline: the caller's, within the limit, or the default. A method may have a limit
-- of its own, which is its default too. A stream of the server's has none unless the caller wants one.
-- Answers whether the caller's could be read.
local function set_deadline(handle, headers, rpc)
  local asked = asked_timeout(headers)
  if asked == false then return false end
  headers:remove("x-request-timeout")
  if STREAMS[rpc] and not asked then return true end
  local limits, own = handle:filterContext(), LIMITS[rpc]
  local timeout = asked or own or limits:get("default_timeout_ms")
  if not STREAMS[rpc] then timeout = math.min(timeout, own or limits:get("max_timeout_ms")) end
  timeout = math.max(1, math.ceil(timeout))
  headers:replace("grpc-timeout", write_timeout(timeout))
  headers:replace("x-envoy-upstream-rq-timeout-ms", format("%d", timeout + GRACE_MS))
  return true
end

-- A read may be repeated where its server died or says that it is away; the route says how often.
local function set_retries(headers, rpc)
  if READS[rpc] then
    headers:replace("x-envoy-retry-on", "reset")
    headers:replace("x-envoy-retry-grpc-on", "unavailable")
  end
end

-- Whether the media type says JSON. None at all is taken for JSON, and so is what `curl -d` says unless told
-- otherwise: nobody is signed in by a cookie, so a foreign page's form gains nothing by it.
local function is_json(headers, streamed)
  local value = headers:get("content-type")
  if not value then return true end
  local media = string.lower(string.match(value, "^%s*([^;%s]*)"))
  local charset = string.match(string.lower(value), 'charset%s*=%s*"?([^%s;"]+)')
  local known = media == "application/json" or media == "application/x-www-form-urlencoded"
    or (streamed and find(media, "^application/[%w.-]+%+json$"))
  return known and (charset == nil or charset == "utf-8")
end

-- The body of an upload passes in pieces and unread: what it holds is the server's to judge.
local function check_upload(handle, headers, route)
  local length = tonumber(headers:get("content-length") or "")
  if not is_json(headers, true) then
    local message = "The content type must be application/json or one that ends in +json, in UTF-8."
    refuse(handle, "415", 3, MALFORMED, message)
  elseif (headers:get("content-encoding") or "identity") ~= "identity" then
    refuse(handle, "415", 3, MALFORMED, "The body must not be compressed.")
  elseif length and length > route.stream then
    local message = format("The body has more than %d bytes, which is the limit.", route.stream)
    refuse(handle, "413", 8, TOO_LARGE, message)
  end
end

-- Envoy's buffer filter has the whole body by now and has refused one above the limit.
local function check_body(handle, route)
  local buffer = handle:body()
  local headers = handle:headers() -- anew: objects do not outlive the wait for the body
  local size = buffer and buffer:length() or 0
  if size == 0 then return end
  if not route.body then
    refuse(handle, "400", 3, INVALID, "This method takes no body: use query parameters.")
  elseif not is_json(headers) then
    refuse(handle, "415", 3, MALFORMED, "The content type must be application/json, in UTF-8.")
  elseif (headers:get("content-encoding") or "identity") ~= "identity" then
    refuse(handle, "415", 3, MALFORMED, "The body must not be compressed.")
  else
    local fault, fields = check_json(buffer:getBytes(0, size), route.body, route.field or "")
    if fault and fault.too_large then
      refuse(handle, "413", 8, TOO_LARGE, fault.message)
    elseif fault then
      refuse(handle, "400", 3, MALFORMED, fault.message)
    elseif #fields > 0 then
      refuse_fields(handle, fields)
    end
  end
end

-- For the access log, which must not show what a client made up.
local function log_rpc(handle, rpc)
  handle:streamInfo():dynamicMetadata():set("hms.call", "rpc", rpc)
end

local function check_rest(handle, headers)
  local target = headers:get(":path")
  local path, query = string.match(target, "^([^?]*)%??(.*)$")
  local _, wrong_path = decode(path)
  local _, wrong_query = decode(query)
  if wrong_path or wrong_query then
    local what = wrong_path and "path: " .. wrong_path or "query: " .. wrong_query
    return refuse(handle, "400", 3, MALFORMED, "The address cannot be read: " .. what .. ".")
  end
  local ends = find_ends(path)
  if not ends then
    return refuse(handle, "404", 12, UNIMPLEMENTED, "No such method or path. See /openapi.json.")
  end
  local route = ends[headers:get(":method")]
  if not route then
    local names = allowed(ends)
    local message = "The path does not take this HTTP method, only " .. names .. "."
    return refuse(handle, "405", 12, UNIMPLEMENTED, message, nil, names)
  end
  log_rpc(handle, route.rpc)
  if not set_deadline(handle, headers, route.rpc) then
    return refuse_fields(handle, { { "x-request-timeout", "must be a number of seconds" } })
  end
  set_retries(headers, route.rpc)
  local fields = check_query(query, route)
  if #fields > 0 then return refuse_fields(handle, fields) end
  if route.stream then return check_upload(handle, headers, route) end
  check_body(handle, route)
end

local function check_request(handle)
  local headers = handle:headers()
  local grpc = is_grpc(headers)
  if not grpc then
    -- For the access log and for the wording of errors: the transcoder rewrites both headers. Without
    -- the query, which may hold patient data.
    local metadata = handle:streamInfo():dynamicMetadata()
    metadata:set("hms.gateway", "method", headers:get(":method"))
    metadata:set("hms.gateway", "path", loggable(string.match(headers:get(":path"), "^[^?]*")))
  end
  local request_id = headers:get("x-request-id")
  if request_id and (#request_id > 128 or find(request_id, "[^%w._:-]")) then
    headers:remove("x-request-id")
    return refuse_fields(handle, { { "x-request-id", "must be up to 128 letters, digits or ._:-" } })
  end
  -- One address and the true one: what a client or the proxies in front wrote before it is dropped.
  local address = headers:get("x-envoy-external-address")
  if address then headers:replace("x-forwarded-for", address) end
  if not grpc then return check_rest(handle, headers) end
  local rpc = headers:get(":path")
  if find(rpc, "^/hms%.[%w_.]+/%w+$") or find(rpc, "^/grpc%.[%w_.]+/%w+$") then log_rpc(handle, rpc) end
  set_retries(headers, rpc)
  if not set_deadline(handle, headers, rpc) then
    refuse_fields(handle, { { "grpc-timeout", "must be up to 8 digits and a unit" } })
  end
end

-- A fault in the checks must not let a request pass unchecked.
function envoy_on_request(handle)
  local ok, fault = pcall(check_request, handle)
  if ok then return end
  handle:logErr("guard: " .. tostring(fault))
  refuse(handle, "500", 13, "INTERNAL", "A fault of ours, logged under the request id.")
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local kind = headers:get("content-type") or ""
  if find(kind, "^application/grpc") then return end
  -- What gRPC needs and HTTP does not.
  headers:remove("grpc-status")
  headers:remove("grpc-message")
  headers:remove("grpc-status-details-bin")
  headers:remove("grpc-accept-encoding")
  headers:remove("x-envoy-upstream-healthchecked-cluster")
  if not headers:get("retry-after") then
    local status = headers:get(":status")
    if status == "429" then
      headers:add("retry-after", headers:get("x-ratelimit-reset") or "1")
    elseif status == "503" then
      headers:add("retry-after", "1")
    end
  end
  -- Answers hold patient data: nothing on the way may keep them, unless the server says so.
  if not headers:get("cache-control") then headers:add("cache-control", "no-store") end
  headers:add("x-content-type-options", "nosniff")
end
