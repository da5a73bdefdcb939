-- Sends the requests of a file in rotation. They are separated by NUL bytes; {host} stands for the server's own.
-- After the run: one line with what happened, latencies in microseconds.
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local host = wrk.host .. ':' .. wrk.port
  for text in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = (text:gsub('{host}', host))
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\nDONE %d %d %d %d %d\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
