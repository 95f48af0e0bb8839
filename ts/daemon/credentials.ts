import type { Socket } from 'node:net';
import { peerCredentials } from '../native/host.js';
import { Failure } from './failure.js';
import { mayBe } from './users.js';

/**
 * Why the other end of a unix socket is not the daemon that runs as `user`; undefined if it is.
 * @throws Failure when this Node hides a socket's descriptor, so that nobody could be checked
 */
export function wrongPeer(socket: Socket, user: string): string | undefined {
  const { uid, pid } = peerCredentials(descriptorOf(socket));
  return mayBe(user, uid) ? undefined : `process ${pid} of user ${uid} is not ${user}`;
}

/** Node has no public name for this; SO_PEERCRED needs it (design: a start-up check, not a guess). */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : -1;
  if (typeof fd !== 'number' || fd < 0) {
    throw new Failure(`Node ${process.version} hides the descriptors of its sockets: use an LTS`);
  }
  return fd;
}
