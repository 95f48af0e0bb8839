/** The machines' addresses, and the veth pairs between each client and the server. */
import type { Namespace } from './namespace.js';

/** The addresses of one machine. */
export interface Addresses {
  v4: string[];
  v6: string[];
}

/** 10.77.0.1 and fd77::1, counted up. */
export function serverAddresses(count: number): Addresses {
  const numbers = Array.from({ length: count }, (_, n) => n + 1);
  return { v4: numbers.map((n) => `10.77.0.${n}`), v6: numbers.map((n) => `fd77::${n}`) };
}

/** Each client has a network of its own: 10.(77+client).0.10 and fd77:client::10, counted up. */
export function clientAddresses(client: number, count: number): Addresses {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const net = client.toString(16);
  return {
    v4: numbers.map((n) => `10.${77 + client}.0.${10 + n}`),
    v6: numbers.map((n) => (client === 0 ? 'fd77::' : `fd77:${net}::`) + (0x10 + n).toString(16)),
  };
}

/** The client's end of a wire. */
function clientEnd(client: number, { v4, v6 }: Addresses): string[] {
  // Clients other than the first reach the server's addresses, which lie on c0, through their own wire.
  const routes = ['route add 10.77.0.0/16 dev eth0', 'route add fd77::/64 via fe80::1 dev eth0'];
  return [
    ...v4.map((address) => `address add ${address}/16 dev eth0`),
    ...v6.map((address) => `address add ${address}/64 dev eth0 nodad`),
    'link set eth0 addrgenmode none',
    'link set eth0 up',
    'address add fe80::2/64 dev eth0 nodad',
    ...(client === 0 ? [] : routes),
  ];
}

/** The server's end of a wire. */
function serverEnd(client: number, server: Addresses): string[] {
  const net = client.toString(16);
  const addresses = [
    ...server.v4.map((address) => `address add ${address}/16 dev c0`),
    ...server.v6.map((address) => `address add ${address}/64 dev c0 nodad`),
  ];
  const routes = [
    `route add 10.${77 + client}.0.0/16 dev c${client} src ${server.v4[0]}`,
    `route add fd77:${net}::/64 dev c${client} src ${server.v6[0]}`,
  ];
  return [
    ...(client === 0 ? addresses : []),
    `link set c${client} addrgenmode none`,
    `link set c${client} up`,
    `address add fe80::1/64 dev c${client} nodad`,
    ...(client === 0 ? [] : routes),
  ];
}

/** Joins every client to the server. `nodad`: an address is usable at once, without the second of duplicate detection. */
export async function joinByWires(
  server: Namespace,
  clients: readonly Namespace[],
  addresses: Addresses,
  addressesOf: (client: number) => Addresses,
): Promise<void> {
  await server.ip(
    clients.map(({ pid }, n) => `link add c${n} type veth peer name eth0 netns ${pid}`),
  );
  await Promise.all(clients.map((client, n) => client.ip(clientEnd(n, addressesOf(n)))));
  await server.ip(clients.flatMap((_, n) => serverEnd(n, addresses)));
}
