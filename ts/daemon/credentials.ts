import type { Socket } from 'node:net';
import { peerCredentials } from '../native/host.js';
import { Failure } from './failure.js';
import { idOf } from './users.js';

const ROOT = 0;

/** Tells why the other end of a connected unix socket is not who it should be; undefined if it is. */
export type PeerCheck = (socket: Socket) => string | undefined;

/**
 * A check that lets pass: root, the system user `user`, and our own user. The user's number is looked
 * up now, once.
 * @returns a check that throws Failure when this Node hides a socket's descriptor
 */
export function peerCheck(user: string): PeerCheck {
  const welcome = new Set([ROOT, process.getuid?.(), idOf(user, '/etc/passwd')]);
  return (socket) => {
    const { pid, uid } = peerCredentials(descriptorOf(socket));
    return welcome.has(uid) ? undefined : `process ${pid} of user ${uid} is not ${user}`;
  };
}

/** Node has no public name for this; SO_PEERCRED needs it, and a wrong guess would be worse than none. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : -1;
  if (typeof fd !== 'number' || fd < 0) {
    throw new Failure(`Node ${process.version} hides the descriptors of its sockets: use an LTS`);
  }
  return fd;
}
