import { formatId } from '../config/problems.js';
import type { Errand } from './errand.js';
import type { Knock, Result } from './knock.js';
import type { Transport } from './network.js';
import {
  alike,
  type Failure,
  mostTelling,
  type NoAddress,
  type Reached,
  transportsOf,
} from './outcome.js';
import { place } from './way.js';

/** What the line for a person needs besides the result. */
export interface Context {
  knock: Knock;
  errand: Errand;
  /** HOST as typed. */
  host: string;
}

/** One line: what failed, where, and the next thing to try. */
export function explain(result: Result, context: Context): string {
  const [first, ...others] = result.failed;
  if (first === undefined) {
    return `failed to ${context.errand.operation} at ${context.host}`;
  }
  const worst = mostTelling(first, ...others);
  const what =
    worst.kind === 'no-address'
      ? noAddress(worst, context)
      : sentence(worst, likeIt(worst, result), context);
  return `${halfDone(result, context)}${what}`;
}

/** The failure, and that of the other family if it is the same. */
function likeIt(worst: Failure, { failed }: Result): Failure[] {
  return failed.filter((each) => each.kind !== 'no-address').filter((each) => alike(each, worst));
}

function halfDone(result: Result, { knock }: Context): string {
  const [opened] = result.opened;
  return knock.all && opened !== undefined
    ? `IPv${opened} succeeded, but not the other family: `
    : '';
}

function sentence(failure: Failure, all: readonly Failure[], context: Context): string {
  const where = `${named(context)} (${places(failure, all)})`;
  switch (failure.kind) {
    case 'refused':
      return refused(where, failure.reached, context);
    case 'stranger':
      return `${where} answers, but not as letmein does: check the server port (-P)`;
    case 'dropped':
      return dropped(where, failure.reached, context);
    case 'silent':
      return silent(where, failure.reached, transportsOf(all), context);
    case 'closed-port':
      return `nothing listens at ${where}: check that letmeind runs there, that its port is this one (-P) and that it serves ${transportsOf(all).join(' and ')} (-T, -U)`;
    case 'unreachable':
      return `no way to ${where}: ${failure.code}: ${wayOut(failure, context)}`;
  }
}

/** `::1 and 127.0.0.1 port 5800/tcp`; each address with its own transports where these differ. */
function places({ endpoint }: Failure, all: readonly Failure[]): string {
  const transports = transportsOf(all);
  if (all.some((each) => each.transports.length < transports.length)) {
    return all.map((each) => place(each.endpoint, each.transports)).join(' and ');
  }
  const address = all.map((each) => each.endpoint.address).join(' and ');
  return place({ ...endpoint, address }, transports);
}

function refused(where: string, reached: Reached, { errand }: Context): string {
  const { operation } = errand;
  const user = formatId(errand.user);
  const what = `refused the ${operation} of resource ${formatId(errand.resource)} by user ${user}`;
  return reached === 'challenged'
    ? `${where} accepted the key, then ${what}: ${operation} again; if that does not help, this user may not use the resource, or knocks too often: see the server's log`
    : `${where} ${what}: check that both sides have the same key for this user, that the server's resource exists and allows this user, and the server's log`;
}

function dropped(where: string, reached: Reached, { errand }: Context): string {
  return reached === 'challenged'
    ? `${where} accepted the key, then closed the connection: ${errand.operation} again; if that does not help, see the server's log`
    : `${where} closed the connection without an answer: it may be full, or its letmeinfwd may be down: try again; if that does not help, check both sides' key for user ${formatId(errand.user)}, the resource's users, and the server's log`;
}

function silent(
  where: string,
  reached: Reached,
  transports: readonly Transport[],
  { knock, errand }: Context,
): string {
  const within = `within ${knock.deadlineMs / 1000} s`;
  switch (reached) {
    case 'challenged':
      return `${where} accepted the key, then did not answer ${within}: ${errand.operation} again; if that does not help, see the server's log`;
    case 'connected':
      return `${where} accepted the connection but did not answer ${within}: check that letmeinfwd runs on the server, and its log`;
    case 'nothing':
      return `no answer from ${where} ${within}: check the address, the server port (-P) and the network between${silence(transports)}${otherTransport(knock)}`;
  }
}

function silence(transports: readonly Transport[]): string {
  return transports.includes('udp')
    ? '; over udp a server may also keep silent about a wrong user or key, or while its letmeinfwd is away'
    : '';
}

function otherTransport({ allowed }: Knock): string {
  if (allowed.tcp && allowed.udp) {
    return '';
  }
  return allowed.tcp ? '; or try udp (-U)' : '; or try tcp (-T)';
}

function wayOut({ code, endpoint }: Failure & { kind: 'unreachable' }, { knock }: Context): string {
  if (code === 'EPERM' || code === 'EACCES') {
    return "check this machine's own firewall";
  }
  if (endpoint.family === 6 && code === 'EINVAL') {
    return 'a link-local address needs its interface, as in fe80::1%eth0';
  }
  const other = endpoint.family === 4 ? 6 : 4;
  const mayTryOther = knock.host.kind === 'name' && knock.families.length === 1;
  return `check this machine's network${mayTryOther ? `, or try the other family (-${other})` : ''}`;
}

function noAddress({ family, code }: NoAddress, { host, knock }: Context): string {
  if (code === 'TIMEOUT' || code === 'EAI_AGAIN') {
    return `no answer from the name server about ${host} (${code}): check this machine's DNS, or give the server's IP address instead`;
  }
  const only = knock.families.length === 1 || knock.all ? `no IPv${family} address` : 'no address';
  return `${only} found for ${host} (${code}): check the spelling${only === 'no address' ? '' : ', try the other family'}, or give the server's IP address instead`;
}

function named({ host, knock }: Context): string {
  return knock.host.kind === 'literal' ? 'the server' : host;
}
