import type { Errand } from './errand.js';
import type { Knock, Result } from './knock.js';
import { formatId } from './number.js';
import { type Failure, mostTelling, type NoAddress } from './outcome.js';
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
  return `${halfDone(result, context)}${sentence(worst, context)}`;
}

function halfDone(result: Result, { knock }: Context): string {
  const [opened] = result.opened;
  return knock.all && opened !== undefined
    ? `IPv${opened} succeeded, but not the other family: `
    : '';
}

function sentence(failure: Failure | NoAddress, context: Context): string {
  if (failure.kind === 'no-address') {
    return noAddress(failure, context);
  }
  const { operation } = context.errand;
  const user = formatId(context.errand.user);
  const resource = formatId(context.errand.resource);
  const where = `${named(context)} (${place(failure.endpoint, failure.transports)})`;
  switch (failure.kind) {
    case 'refused':
      return `${where} refused the ${operation} of resource ${resource} by user ${user}: check that both sides have the same key for this user, that the server's resource exists and allows this user, and the server's log`;
    case 'stranger':
      return `${where} answers, but not as letmein does: check the server port (-P)`;
    case 'dropped':
      return `${where} closed the connection without an answer: it may be full, so try again; if that does not help, check that both sides have the same key for user ${user} and that resource ${resource} allows this user`;
    case 'silent':
      return silent(where, failure.reached, context);
    case 'closed-port':
      return `nothing listens at ${where}: check that letmeind runs there, that its port is this one (-P) and that it serves ${failure.transports.join(' and ')} (-T, -U)`;
    case 'unreachable':
      return `no way to ${where}: ${failure.code}: ${wayOut(failure, context)}`;
  }
}

function silent(where: string, reached: string, { knock, errand }: Context): string {
  const within = `within ${knock.deadlineMs / 1000} s`;
  switch (reached) {
    case 'challenged':
      return `${where} asked for proof and then did not answer ${within}: ${errand.operation} again; if that does not help, check that both sides have the same key for user ${formatId(errand.user)}, and the server's log`;
    case 'connected':
      return `${where} accepted the connection but did not answer ${within}: check that letmeinfwd runs on the server, and its log`;
    default:
      return `no answer from ${where} ${within}: check the address, the server port (-P) and the network between; over udp a server may also keep silent about a wrong user or key${otherTransport(knock)}`;
  }
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
  const literal = knock.host.kind === 'literal';
  return `check this machine's network${literal ? '' : `, or try the other family (-${other})`}`;
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
