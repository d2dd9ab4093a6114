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
