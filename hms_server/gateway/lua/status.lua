-- Behind the transcoder: gives google.rpc details to a gRPC status that came without them (gRPC's
-- own: no such method, message too large, connection lost), so that every error has an ErrorInfo.

local function varint(number)
  local bytes = ""
  while number >= 128 do
    bytes = bytes .. string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  return bytes .. string.char(number)
end

local function complete(handle, fields)
  local code = tonumber(fields:get("grpc-status") or "0")
  if not code or code == 0 or fields:get("grpc-status-details-bin") then return end
  local details = DETAILS[code]
  if not details then return end
  local message = string.gsub(fields:get("grpc-message") or "", "%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  -- google.rpc.Status: code = 1, message = 2, details = 3.
  local status = "\8" .. varint(code) .. "\18" .. varint(#message) .. message .. details
  fields:add("grpc-status-details-bin", handle:base64Escape(status))
end

function envoy_on_response(handle)
  local headers = handle:headers()
  if not string.find(headers:get("content-type") or "", "^application/grpc") then return end
  if headers:get("grpc-status") then return complete(handle, headers) end
  local trailers = handle:trailers()
  if trailers then complete(handle, trailers) end
end
