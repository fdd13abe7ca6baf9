#!lua
-- Applies one transaction to one shard, or nothing of it. What it means is decided in Rust; here is no rule.
--
-- KEYS[1]     the hash with the shard's rows and counters
-- KEYS[2..]   every other key that is touched: rows with a lifetime, indexes, logs; all in the shard's slot
-- ARGV[1]     the channel of the notices
-- ARGV[2]     one letter for each of KEYS, which kind of key it is: h(ash), s(tring), z(set),
--             x: a zset that is a sorted index, l(ist)
-- ARGV[3]     1 in a cluster, where the number of this node belongs to the channel
-- ARGV[4..]   lists; each begins with its length. <key> is a place in KEYS, <there> 1 or 0, '' means none:
--             1. checks of rows                    <field> <there> <value>
--             2. checks of rows with a lifetime    <key> <there> <value>
--             3. adds                              <field> <by> <least> <greatest>
--             4. entries to put into an index      <key> <field of its counter> <entry> <number or ''>
--             5. rows to delete                    <field>
--             6. rows with a lifetime to delete    <key>
--             7. rows to put                       <field> <value>
--             8. rows with a lifetime to put       <key> <value> <lifetime in ms>
--             9. entries to delete from an index   <key> <entry>
--            10. entries to put into a sorted index       <key> <member>
--            11. entries to delete from a sorted index    <key> <member>
--            12. logs to drop                      <key>
--            13. what to append to a log           <key> <value>
--            14. notices                           <text>
-- Returns     {'applied', the values of the counters of 3., in their order}
--             {'conflict'}                a check did not hold
--             {'limit', n}                the add at place n (from 0) would leave its bounds
--             {'broken', what is wrong}   a key or row is not what it must be
--
-- An error in the middle would not undo the writes before it. So: look at everything, then write, then publish.

-- Up to here, every whole number is a Lua number.
local GREATEST = 9007199254740992
local KINDS = { h = 'hash', s = 'string', z = 'zset', x = 'zset', l = 'list' }

-- Asked of the node itself, and before anything is written: whoever sent this may know an old number.
local channel = ARGV[1]
if ARGV[3] == '1' then
  channel = channel .. ':' .. redis.call('CLUSTER', 'MYID')
end

local place = 3
local function take()
  place = place + 1
  return ARGV[place]
end
local function number()
  return tonumber(take())
end
local function key()
  return KEYS[number()]
end
-- Never with an exponent.
local function text(whole)
  return string.format('%.0f', whole)
end

for i, name in ipairs(KEYS) do
  local kind = redis.call('TYPE', name).ok
  if kind ~= 'none' and kind ~= KINDS[string.sub(ARGV[2], i, i)] then
    return { 'broken', 'key ' .. name .. ' is a ' .. kind .. ': delete it, or choose another namespace' }
  end
end

local function holds(found)
  local there, expected = take(), take()
  if there == '1' then
    return found == expected
  end
  return not found
end
for _ = 1, number() do
  if not holds(redis.call('HGET', KEYS[1], take())) then
    return { 'conflict' }
  end
end
for _ = 1, number() do
  if not holds(redis.call('GET', key())) then
    return { 'conflict' }
  end
end

-- The values of the counters that change, as far as this transaction has come.
local counters = {}
local function counter(field)
  local value = counters[field]
  if value then
    return value
  end
  local row = redis.call('HGET', KEYS[1], field)
  if not row then
    return 0
  end
  value = tonumber(row)
  if value and value >= -GREATEST and value <= GREATEST and text(value) == row then
    return value
  end
  return nil
end
local function broken(field)
  return { 'broken', 'row ' .. field .. ' of ' .. KEYS[1] .. ' is no counter: delete it, or put a whole number' }
end

local added = {}
for i = 1, number() do
  local field, by, least, greatest = take(), number(), number(), number()
  local value = counter(field)
  if not value then
    return broken(field)
  end
  local sum = value + by
  -- 2^53 + 1 would be rounded to 2^53: then the way back does not lead to where it came from.
  if sum < least or sum > greatest or sum - by ~= value then
    return { 'limit', text(i - 1) }
  end
  counters[field] = sum
  added[i] = field
end

local entries = {}
for _ = 1, number() do
  local index, field, entry, given = key(), take(), take(), take()
  if not redis.call('ZSCORE', index, entry) then
    if given == '' then
      local last = counter(field)
      if not last or last < 0 or last >= GREATEST then
        return broken(field)
      end
      counters[field] = last + 1
      given = text(last + 1)
    end
    entries[#entries + 1] = { index, given, entry }
  end
end

for _ = 1, number() do
  redis.call('HDEL', KEYS[1], take())
end
for _ = 1, number() do
  redis.call('DEL', key())
end
for _ = 1, number() do
  redis.call('HSET', KEYS[1], take(), take())
end
for _ = 1, number() do
  redis.call('SET', key(), take(), 'PX', take())
end
for field, value in pairs(counters) do
  redis.call('HSET', KEYS[1], field, text(value))
end
for _ = 1, number() do
  redis.call('ZREM', key(), take())
end
for _, entry in ipairs(entries) do
  redis.call('ZADD', unpack(entry))
end
-- A score of 0 for all: Redis orders the members byte by byte.
for _ = 1, number() do
  redis.call('ZADD', key(), 0, take())
end
for _ = 1, number() do
  redis.call('ZREM', key(), take())
end
-- Not DEL: the memory of a long log is given back while others are served.
for _ = 1, number() do
  redis.call('UNLINK', key())
end
for _ = 1, number() do
  redis.call('RPUSH', key(), take())
end
for _ = 1, number() do
  redis.call('PUBLISH', channel, take())
end

local reply = { 'applied' }
for i, field in ipairs(added) do
  reply[i + 1] = text(counters[field])
end
return reply
