import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchdogLimitMs } from './service-manager.js';

test('the watchdog’s time counts if it is meant for us (sd_watchdog_enabled(3))', () => {
  const us = String(process.pid);
  assert.equal(watchdogLimitMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: us }), 30_000);
  assert.equal(watchdogLimitMs({ WATCHDOG_USEC: '30000000' }), 30_000);
  assert.equal(watchdogLimitMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }), undefined);
  for (const nonsense of ['0', '-5', 'soon', '']) {
    assert.equal(watchdogLimitMs({ WATCHDOG_USEC: nonsense }), undefined, nonsense);
  }
  assert.equal(watchdogLimitMs({}), undefined);
});
