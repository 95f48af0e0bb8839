import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasForeign, launchEnvironment, MARKER } from './environment.js';

test('what could change what Node loads or does is left behind', () => {
  const kept = {
    PATH: '/bin',
    LANG: 'C',
    TZ: 'UTC',
    NOTIFY_SOCKET: '/run/notify',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '2',
    LISTEN_FDS: '1',
    LISTEN_PID: '3',
    LISTEN_FDNAMES: 'a',
  };
  const left = {
    NODE_OPTIONS: '--inspect',
    LD_PRELOAD: 'x.so',
    LD_LIBRARY_PATH: '/tmp',
    OPENSSL_CONF: '/tmp/x',
    PATHX: '1',
    UV_USE_IO_URING: '1',
    GCONV_PATH: '/tmp',
    LETMEIN_LAUNCHED: 'no',
  };
  const fixed = ['UV_THREADPOOL_SIZE=1', 'OPENSSL_CONF=/dev/null', `${MARKER}=1`];
  const expected = [...Object.entries(kept).map(([name, value]) => `${name}=${value}`), ...fixed];
  assert.deepEqual(launchEnvironment({ ...left, ...kept }), expected);
  assert.deepEqual(launchEnvironment({}), fixed);
  assert.ok(hasForeign(left));
  assert.ok(!hasForeign(kept));
});
