"""What Valkey must do in one step, as Lua. Time is the server's; keys are those of one server.

A group's state:

    feira:groups:{topic}            set     the groups that read the topic
    feira:cursor:{group}            hash    topic:partition -> position acknowledged last
    feira:members:{group}:{topic}   zset    member -> when it was last heard of (ms)
    feira:owners:{group}:{topic}    hash    partition -> the member that holds it
    feira:changes:{group}           stream  one entry: the last change of members or owners

A lease is held by an owner who is a live member, so renewing all leases is one heartbeat. Members
read the stream of changes along with their partitions: a change wakes them and they renew, by which
each gives back or takes what its share demands. When nothing is left to give, nobody is woken.
"""

from typing import Final

from feira.chassis.transports.valkey_link import Script

RENEW: Final = Script("""
-- KEYS: epoch, cursor, changes; then for each topic: members, owners, groups
-- ARGV: member, group, ttl in ms, partitions, an epoch to set if there is none;
--       then for each topic: its name, a number that spreads the topics' odd partitions
-- Returns {epoch, id of the last change, {{topic, partition, position}, ...}}
local member, group = ARGV[1], ARGV[2]
local ttl_ms, partitions = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = false

local function live_members(key)
  local joined = redis.call('ZADD', key, now_ms, member)
  local lost = redis.call('ZREMRANGEBYSCORE', key, '-inf', now_ms - ttl_ms)
  changed = changed or joined + lost > 0
  local members = redis.call('ZRANGE', key, 0, -1)
  table.sort(members)
  return members
end

-- The shares of all members add up to exactly the number of partitions.
local function fair_share(members, spread)
  local rank
  for i, name in ipairs(members) do
    if name == member then rank = i end
  end
  local extra = (rank + spread) % #members < partitions % #members
  return math.floor(partitions / #members) + (extra and 1 or 0)
end

local function held_and_free(key, members)
  local live, owner_of, held, free = {}, {}, {}, {}
  for _, name in ipairs(members) do live[name] = true end
  local owners = redis.call('HGETALL', key)
  for i = 1, #owners, 2 do owner_of[tonumber(owners[i])] = owners[i + 1] end
  for partition = 0, partitions - 1 do
    local owner = owner_of[partition]
    if owner == member then
      table.insert(held, partition)
    elseif not live[owner or false] then
      table.insert(free, partition)
    end
  end
  return held, free
end

local function settle(key, members, share)
  local held, free = held_and_free(key, members)
  while #held > share do
    redis.call('HDEL', key, table.remove(held))
    changed = true
  end
  while #held < share and #free > 0 do
    local partition = table.remove(free)
    redis.call('HSET', key, partition, member)
    table.insert(held, partition)
  end
  return held
end

-- A group that is new starts with the oldest entry kept: so many had been added before it.
local function start_of(topic, partition)
  local position = redis.call('HGET', KEYS[2], topic .. ':' .. partition)
  if position then return position end
  local stream = 'feira:' .. topic .. ':' .. partition
  if redis.call('EXISTS', stream) == 0 then return '0-0/0' end
  local info, fact = redis.call('XINFO', 'STREAM', stream), {}
  for i = 1, #info, 2 do fact[info[i]] = info[i + 1] end
  return '0-0/' .. (fact['entries-added'] - fact['length'])
end

redis.call('SET', KEYS[1], ARGV[5], 'NX')
local owned = {}
for t = 1, (#KEYS - 3) / 3 do
  local members_key, owners_key, groups_key = KEYS[3 * t + 1], KEYS[3 * t + 2], KEYS[3 * t + 3]
  local topic, spread = ARGV[4 + 2 * t], tonumber(ARGV[5 + 2 * t])
  redis.call('SADD', groups_key, group)
  local members = live_members(members_key)
  for _, partition in ipairs(settle(owners_key, members, fair_share(members, spread))) do
    table.insert(owned, {topic, partition, start_of(topic, partition)})
  end
end
if changed then redis.call('XADD', KEYS[3], 'MAXLEN', 1, '*', 'by', member) end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
return {redis.call('GET', KEYS[1]), last and last[1] or '0-0', owned}
""")

LEAVE: Final = Script("""
-- KEYS: changes; then for each topic: members, owners
-- ARGV: member
local member = ARGV[1]
for k = 2, #KEYS, 2 do
  redis.call('ZREM', KEYS[k], member)
  local owners = redis.call('HGETALL', KEYS[k + 1])
  for i = 1, #owners, 2 do
    if owners[i + 1] == member then redis.call('HDEL', KEYS[k + 1], owners[i]) end
  end
end
redis.call('XADD', KEYS[1], 'MAXLEN', 1, '*', 'by', member)
""")

ACKNOWLEDGE: Final = Script("""
-- KEYS: cursor; then for each partition: the owners of its topic
-- ARGV: member; then for each partition: partition, its field in cursor, position
local function numbers_of(position)
  local ms, seq = string.match(position, '^(%d+)-(%d+)')
  return tonumber(ms), tonumber(seq)
end

local function is_behind(position, other)
  local ms, seq = numbers_of(position)
  local other_ms, other_seq = numbers_of(other)
  return ms < other_ms or (ms == other_ms and seq < other_seq)
end

for k = 2, #KEYS do
  local a = 3 * k - 4
  local partition, field, position = ARGV[a], ARGV[a + 1], ARGV[a + 2]
  if redis.call('HGET', KEYS[k], partition) == ARGV[1] then
    local reached = redis.call('HGET', KEYS[1], field)
    if not reached or is_behind(reached, position) then
      redis.call('HSET', KEYS[1], field, position)
    end
  end
end
""")

LAG: Final = Script("""
-- KEYS: cursor; then streams
-- ARGV: the most to count; then for each stream: its field in cursor
local waiting = 0
for k = 2, #KEYS do
  if redis.call('EXISTS', KEYS[k]) == 1 then
    local info, fact = redis.call('XINFO', 'STREAM', KEYS[k]), {}
    for i = 1, #info, 2 do fact[info[i]] = info[i + 1] end
    local position = redis.call('HGET', KEYS[1], ARGV[k])
    local ordinal = position and tonumber(string.match(position, '/(%d+)$')) or 0
    local behind = fact['entries-added'] - ordinal
    if behind < 0 then behind = fact['length'] end  -- the cursor is of a stream since lost
    waiting = waiting + math.min(behind, fact['length'])
  end
end
return math.min(waiting, tonumber(ARGV[1]))
""")

ANNOUNCE_BROADCAST: Final = Script("""
-- KEYS: epoch, broadcasts
-- ARGV: an epoch to set if there is none; then topics
-- Returns {epoch, now in ms}
redis.call('SET', KEYS[1], ARGV[1], 'NX')
for i = 2, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]), time[1] * 1000 + math.floor(time[2] / 1000)}
""")

BROADCAST_LAG: Final = Script("""
-- KEYS: streams
-- ARGV: the most to count in a stream; then for each stream: the id of the entry read last
local waiting = 0
for k = 1, #KEYS do
  waiting = waiting + #redis.call('XRANGE', KEYS[k], '(' .. ARGV[k + 1], '+', 'COUNT', ARGV[1])
end
return waiting
""")

TRIM: Final = Script("""
-- KEYS: groups of the topic, broadcasts
-- ARGV: topic, partitions, ms to keep if read by broadcast, ms to keep if read by no group,
--       entries to keep if read by nobody
local topic, partitions = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local groups = redis.call('SMEMBERS', KEYS[1])
local kept_ms = 0
local broadcast = redis.call('SISMEMBER', KEYS[2], topic) == 1
if broadcast then kept_ms = tonumber(ARGV[3]) end
if #groups == 0 then kept_ms = math.max(kept_ms, tonumber(ARGV[4])) end

-- The first entry to keep: behind what the slowest group has acknowledged, nor younger than kept_ms
local function first_to_keep(partition)
  local ms, seq = now_ms - kept_ms, 0
  for _, group in ipairs(groups) do
    local position = redis.call('HGET', 'feira:cursor:' .. group, topic .. ':' .. partition)
    if not position then return nil end
    local at_ms, at_seq = string.match(position, '^(%d+)-(%d+)')
    at_ms, at_seq = tonumber(at_ms), tonumber(at_seq) + 1
    if at_ms < ms or (at_ms == ms and at_seq < seq) then ms, seq = at_ms, at_seq end
  end
  return string.format('%.0f-%.0f', ms, seq)
end

for partition = 0, partitions - 1 do
  local stream, minimum = 'feira:' .. topic .. ':' .. partition, first_to_keep(partition)
  -- '~' drops whole nodes of the stream and at most 10,000 entries: cheap, the rest goes next time
  if minimum then redis.call('XTRIM', stream, 'MINID', '~', minimum) end
  if #groups == 0 and not broadcast then
    redis.call('XTRIM', stream, 'MAXLEN', '~', ARGV[5])
  end
end
""")
