#!lua
-- Applies one transaction to one shard, and with it what belongs to it elsewhere, or nothing of it. What it means is
-- decided in Rust; here is no rule.
--
-- KEYS[1]     the hash with the shard's rows and counters
-- KEYS[2..]   every other key that is touched: the sorted set of the shard's indexes, sorted indexes, logs; and, outside of
--             a cluster, hashes and sorted sets of other shards
-- ARGV[1]     the channel of the notices
-- ARGV[2]     numbers, big end first (see the lines that read them): the time in milliseconds; if nothing is left in
--             the shard but rows that end, how long it stays, in ms, or else 0; 1 in a cluster, where the number of this
--             node belongs to the channel; 1 if the shard must be empty; how many keys follow ARGV[3] instead of
--             standing in KEYS; the place of the indexes' sorted set among all keys; and how long each list is
-- ARGV[3]     a letter for each key behind the first, which kind of key it is: z for a set or l for a list of the shard;
--             Z for a set or H for a hash elsewhere
-- ARGV[4..]   those keys, then the lists, one after the other. <key> is a place among the keys, <counter> one in list 3:
--             1. rows that must be there           <field>; the <value> of each follows list 4
--             2. rows that must not be there       <field>
--             3. counters                          <field>
--             4. rows with a lifetime to check     <field>; '' or =<value> of each follows the values of list 1
--             5. adds                              packed: <counter> <by> <least> <greatest>
--             6. entries to put into an index      <member> and, packed: <counter> <score of number 0>; without a counter,
--                                                  0 <score>
--             7. entries of a sorted index for which there must be room    <key> <member> <greatest number of entries>
--                of those from <least member> to <least greater one>
--             8. rows to delete                    <field>
--             9. rows to put                       <field> <value>
--            10. rows of them with a lifetime      nothing: how many they are
--            11. entries to delete from an index   <member>
--            12. entries to put into a sorted index       <key> <member>
--            13. entries to delete from a sorted index    <key> <member>
--            14. logs to drop                      <key>
--            15. what to append to a log           <key> <value>
--            16. notices                           <text>
--            17. rows elsewhere that must not be there    <key> <field>
--            18. what to put elsewhere: commands of four words      HSET or ZADD, <key>, and the two that follow
--            19. what to delete elsewhere: commands of three words  HDEL or ZREM, <key>, and the one that follows
-- Returns     {0, the values of the counters of 5., in their order}     it is applied
--             {1}                a check did not hold
--             {2, n}             the add at place n (from 0) would leave its bounds, or there is no room, or a row is
--                                elsewhere; places of 7. follow those of 5., and places of 17. those of 7.
--             {3, what is wrong} a key or row is not what it must be
--
-- An error in the middle would not undo the writes before it. So: look at everything, then write, then publish.
-- Each call of Redis costs as much as twenty lines here, so rows are read by one and written by one.

-- Up to here, every whole number is a Lua number.
local GREATEST = 9007199254740992
-- The field of a shard that was ended, and how its keys live on: in ms.
local ENDED = '\003'
-- How many fields are looked at for one that has ended.
local SAMPLE = 16
-- How many arguments are given to one call of Redis: Lua has room for 8000. Even, for pairs.
local TOGETHER = 4000

local ARGV, KEYS, call, unpack, unpack_numbers = ARGV, KEYS, redis.call, unpack, struct.unpack
local now, ends_after, in_cluster, is_first, undeclared, index_place, there, absent, counters, passing, adds,
  index_puts, rooms, deletes, puts, passing_puts, removals, sorted_puts, sorted_deletes, drops, appends, notices,
  absent_elsewhere, puts_elsewhere, deletes_elsewhere =
  unpack_numbers('>I8I8BBBBHHHHHHHHHHHHHHHHHHH', ARGV[2])

-- The place of the last argument that was taken.
local place = 3 + undeclared
local keys = KEYS
if undeclared > 0 then
  keys = { KEYS[1], unpack(ARGV, 4, place) }
end
local rows, index = keys[1], keys[index_place]

-- Asked of the node itself, and before anything is written: whoever sent this may know an old number.
local channel = ARGV[1]
if in_cluster == 1 and notices > 0 then
  channel = channel .. ':' .. call('CLUSTER', 'MYID')
end

-- Never with an exponent.
local function text(whole)
  return string.format('%.0f', whole)
end
-- Gives `command` of `key` the items of `list` from one place to another.
local function of_all(command, key, list, from, to)
  for first = from, to, TOGETHER do
    call(command, key, unpack(list, first, math.min(first + TOGETHER - 1, to)))
  end
end

-- A key of another kind stops the first call for it, which must not come behind a write. Rows are written first.
if is_first == 1 and call('HLEN', rows) > 0 then
  return { 1 }
end
local LENGTH = { z = 'ZCARD', l = 'LLEN', Z = 'ZCARD', H = 'HLEN' }
local function kind(i)
  return string.sub(ARGV[3], i - 1, i - 1)
end
local function is_own(i)
  return i == 1 or string.find(kind(i), '^%l')
end
for i = 2, #keys do
  local length = call(LENGTH[kind(i)], keys[i])
  if is_first == 1 and length > 0 and is_own(i) then
    return { 1 }
  end
end

-- The values of the counters, as far as this transaction has come, in the order of list 3; and which it changes.
local values, changed = {}, {}
local before_counters = there + absent
local before_passing = before_counters + counters
local asked = before_passing + passing
local first_value = place + asked
local ended = call('HGET', rows, ENDED)
local first_counter = place + before_counters
local function broken(counter)
  local field = ARGV[first_counter + counter]
  return { 3, 'row ' .. field .. ' of ' .. rows .. ' is no counter: delete it, or put a whole number' }
end
for first = 1, asked, TOGETHER do
  local last = math.min(first + TOGETHER - 1, asked)
  local found = call('HMGET', rows, unpack(ARGV, place + first, place + last))
  for i = first, last do
    -- An absent row is false.
    local row = found[i - first + 1]
    if i <= there then
      if row ~= ARGV[first_value + i] then
        return { 1 }
      end
    elseif i <= before_counters then
      if row then
        return { 1 }
      end
    elseif i <= before_passing then
      local value = 0
      if row and row ~= '0' then
        value = string.find(row, '^%-?[1-9]%d*$') and tonumber(row)
        -- 2^53 + 1 would be read as 2^53.
        local exact = value and value >= -GREATEST and value <= GREATEST and (#row < 16 or text(value) == row)
        value = exact and value
      end
      values[i - before_counters] = value
    else
      local expected = ARGV[first_value + there + i - before_passing]
      local lives = row and unpack_numbers('>I8', row) > now
      if expected ~= (lives and '=' .. string.sub(row, 9) or '') then
        return { 1 }
      end
    end
  end
end
place = first_value + there + passing

local added = {}
for i = 1, adds do
  local counter, by, least, greatest = unpack_numbers('>Hi8i8i8', ARGV[place + i])
  local value = values[counter]
  if not value then
    return broken(counter)
  end
  local sum = value + by
  -- 2^53 + 1 would be rounded to 2^53: then the way back does not lead to where it came from.
  if sum < least or sum > greatest or sum - by ~= value then
    return { 2, i - 1 }
  end
  values[counter] = sum
  changed[counter] = true
  added[i] = counter
end
place = place + adds

local entries = {}
for _ = 1, index_puts do
  local member = ARGV[place + 1]
  if not call('ZSCORE', index, member) then
    local counter, score = unpack_numbers('>HI8', ARGV[place + 2])
    if counter > 0 then
      local last = values[counter]
      if not last or last < 0 or last >= GREATEST then
        return broken(counter)
      end
      values[counter] = last + 1
      changed[counter] = true
      score = score + last + 1
    end
    entries[#entries + 1] = text(score)
    entries[#entries + 1] = member
  end
  place = place + 2
end
for i = 0, rooms - 1 do
  local sorted = keys[tonumber(ARGV[place + 1])]
  local count = call('ZLEXCOUNT', sorted, '[' .. ARGV[place + 4], '(' .. ARGV[place + 5])
  if count >= tonumber(ARGV[place + 3]) and not call('ZSCORE', sorted, ARGV[place + 2]) then
    return { 2, adds + i }
  end
  place = place + 5
end

-- Where the words of lists 17 to 19 stand.
local elsewhere = #ARGV - 2 * absent_elsewhere - 4 * puts_elsewhere - 3 * deletes_elsewhere
for i = 0, absent_elsewhere - 1 do
  if call('HGET', keys[tonumber(ARGV[elsewhere + 1])], ARGV[elsewhere + 2]) then
    return { 2, adds + rooms + i }
  end
  elsewhere = elsewhere + 2
end

-- There is no list of the rows that end: while a slot moves, a key that is not there yet could not be written.
local function sweep(key)
  local found = call('HRANDFIELD', key, SAMPLE) or {}
  for i = 1, #found do
    if string.byte(found[i]) == 1 and unpack_numbers('>I8', call('HGET', key, found[i])) <= now then
      call('HDEL', key, found[i])
    end
  end
end
if passing_puts > 0 then
  sweep(rows)
end
of_all('HDEL', rows, ARGV, place + 1, place + deletes)
place = place + deletes
of_all('HSET', rows, ARGV, place + 1, place + 2 * puts)
place = place + 2 * puts
local counted = {}
for counter in pairs(changed) do
  counted[#counted + 1] = ARGV[first_counter + counter]
  counted[#counted + 1] = text(values[counter])
end
of_all('HSET', rows, counted, 1, #counted)
of_all('ZREM', index, ARGV, place + 1, place + removals)
place = place + removals
of_all('ZADD', index, entries, 1, #entries)
-- A score of 0 for all: Redis orders the members byte by byte.
for _ = 1, sorted_puts do
  call('ZADD', keys[tonumber(ARGV[place + 1])], 0, ARGV[place + 2])
  place = place + 2
end
for _ = 1, sorted_deletes do
  call('ZREM', keys[tonumber(ARGV[place + 1])], ARGV[place + 2])
  place = place + 2
end
-- Not DEL: the memory of a long log is given back while others are served.
for _ = 1, drops do
  place = place + 1
  call('UNLINK', keys[tonumber(ARGV[place])])
end
for _ = 1, appends do
  call('RPUSH', keys[tonumber(ARGV[place + 1])], ARGV[place + 2])
  place = place + 2
end
-- A shard that has something lasting again is one as before.
if ends_after > 0 or ended then
  local lives_on = ends_after == 0 and (puts > passing_puts or #counted > 0 or #entries > 0)
  local ms = ends_after > 0 and text(ends_after) or ended
  if lives_on then
    call('HDEL', rows, ENDED)
  else
    call('HSET', rows, ENDED, ms)
  end
  for i = 1, #keys do
    if not is_own(i) then
      -- It goes on without this shard.
    elseif lives_on then
      call('PERSIST', keys[i])
    else
      call('PEXPIRE', keys[i], ms)
    end
  end
end
for _ = 1, puts_elsewhere do
  local key, first = keys[tonumber(ARGV[elsewhere + 2])], ARGV[elsewhere + 3]
  if string.byte(first) == 1 then
    sweep(key)
  end
  call(ARGV[elsewhere + 1], key, first, ARGV[elsewhere + 4])
  elsewhere = elsewhere + 4
end
for _ = 1, deletes_elsewhere do
  call(ARGV[elsewhere + 1], keys[tonumber(ARGV[elsewhere + 2])], ARGV[elsewhere + 3])
  elsewhere = elsewhere + 3
end
for i = 1, notices do
  call('PUBLISH', channel, ARGV[place + i])
end

local reply = { 0 }
for i = 1, adds do
  reply[i + 1] = values[added[i]]
end
return reply
