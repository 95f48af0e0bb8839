import type { Socket } from 'node:net';
import { peerCredentials } from '../native/host.js';
import { isAlone } from '../native/sandbox.js';
import { Failure } from './failure.js';
import { idOf } from './users.js';

/** Tells why the other end of a connected unix socket is not who it should be; undefined if it is. */
export type PeerCheck = (socket: Socket) => string | undefined;

/**
 * A check that lets nobody pass but the system user `user`; in a user namespace with one user only, that one. The user's
 * number is looked up now, once.
 * @returns a check that throws Failure when this Node hides a socket's descriptor
 * @throws Failure when there is no such user
 */
export function peerCheck(user: string): PeerCheck {
  const welcome = isAlone() ? process.getuid?.() : idOf(user);
  if (welcome === undefined) {
    throw new Failure(`there is no user ${user}: make it, as README, "Set up a server", shows`);
  }
  return (socket) => {
    const { pid, uid } = peerCredentials(descriptorOf(socket));
    return uid === welcome ? undefined : `process ${pid} of user ${uid} is not ${user}`;
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
