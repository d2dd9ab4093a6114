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
