import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomForConnections } from './descriptors.js';

function limits(soft: string): string {
  const head = 'Limit                     Soft Limit           Hard Limit           Units     \n';
  return `${head}Max open files            ${soft}                 524288               files     \n`;
}

test('the limit of open files, less what is no connection', () => {
  assert.equal(roomForConnections(limits('1024')), 896);
  assert.equal(roomForConnections(limits('20')), 1);
  assert.equal(roomForConnections(limits('unlimited')), Number.POSITIVE_INFINITY);
  assert.ok(roomForConnections() > 1);
});
