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
