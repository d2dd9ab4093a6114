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
