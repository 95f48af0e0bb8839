// @ts-check
/**
 * The session that `npm run demo` shows. Runs inside the server's network namespace, which nobody else is in; the
 * client's is a second one behind a veth pair.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { collect, environment, main, paint, ROOT, StepFailed, say } from './step.mjs';

const SERVER = '10.77.0.1';
const CLIENT = '10.77.0.10';
const CONTROL_PORT = 5800;
/** What etc/letmeind.conf and etc/letmein.conf name: a resource, a user, and the line that waits for a key. */
const SERVICE_PORT = 22;
const USER = '00000000';
const KEY_PLACE = /^#00000000 = .*$/m;
/** Daemons that are not there after this are not coming. */
const START_LIMIT_MS = 10_000;
const POLL_MS = 20;
/** Files with keys. */
const PRIVATE_MODE = 0o600;
/** The daemons' users, where they have to be made. */
const DOOR_ID = 64_001;
const JUDGE_ID = 64_002;

const FOLDER = mkdtempSync(join(tmpdir(), 'letmein-demo-'));
const SERVER_CONF = join(FOLDER, 'letmeind.conf');
const CLIENT_CONF = join(FOLDER, 'letmein.conf');
/** scripts/demo.mjs says when they are not run from the repository. */
const PROGRAMS = join(process.env.LETMEIN_INSTALLED ?? ROOT, 'dist', 'bin');

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

// The namespaces need no cleaning: they end with the last process in them.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(FOLDER, { recursive: true, force: true });
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => process.exit(1));
}

/**
 * Starts a program that stays; it dies with this process, however that ends.
 * @param {readonly string[]} command
 */
function stay(command) {
  const args = ['--pdeathsig', 'KILL', '--', ...command];
  const child = spawn('setpriv', args, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/**
 * Runs a program that must succeed.
 * @param {readonly string[]} command
 * @returns {Promise<string>} what it said
 */
async function must(command) {
  const { status, text } = await collect(command);
  if (status === 0) return text;
  throw new StepFailed(`failed: ${command.join(' ')}\n${text}`);
}

/** @param {string} name */
function program(name) {
  return [process.execPath, join(PROGRAMS, `${name}.js`)];
}

/** The client's machine: a namespace with a wire to the server, held by a `cat`. Returns what enters it. */
async function clientMachine() {
  const cat = stay(['unshare', '--net', '--', 'cat']);
  // cat's echo says that it runs, so that its namespace exists.
  cat.stdin?.write('\n');
  if (cat.stdout !== null) await once(cat.stdout, 'data');
  const enter = ['nsenter', '--target', `${cat.pid}`, '--net', '--'];
  const wire = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', `${cat.pid}`];
  await must(['ip', 'link', 'add', 'eth0', ...wire]);
  for (const [prefix, address] of /** @type {[string[], string][]} */ ([
    [[], SERVER],
    [enter, CLIENT],
  ])) {
    await must([...prefix, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
    await must([...prefix, 'ip', 'link', 'set', 'lo', 'up']);
    await must([...prefix, 'ip', 'link', 'set', 'eth0', 'up']);
  }
  return enter;
}

/** The example configuration files as they stand, with a key pasted in that `letmein gen-key` makes now. */
async function configure() {
  const key = (await must([...program('letmein'), 'gen-key', '-u', USER])).trim();
  for (const path of [SERVER_CONF, CLIENT_CONF]) {
    const example = readFileSync(join(ROOT, 'etc', basename(path)), 'utf8');
    const text = example.replace(KEY_PLACE, key);
    if (text === example)
      throw new StepFailed(`failed: etc/${basename(path)} has no place for a key`);
    writeFileSync(path, text, { mode: PRIVATE_MODE });
  }
}

/** Whether something in this namespace listens on the TCP port (state 0A in /proc/net/tcp). */
function listens() {
  const local = `:${CONTROL_PORT.toString(16).toUpperCase().padStart(4, '0')} `;
  return ['tcp', 'tcp6']
    .map((table) => readFileSync(`/proc/self/net/${table}`, 'utf8'))
    .some((text) => text.split('\n').some((line) => line.includes(local) && / 0A /.test(line)));
}

/** Door and judge, as an administrator's machine would run them, and their process ids. */
async function startDaemons() {
  const rundir = join(FOLDER, 'run');
  for (const name of ['letmeind', 'letmeinfwd']) mkdirSync(join(rundir, name), { recursive: true });
  let said = '';
  const start = (/** @type {string} */ name) => {
    const child = stay([...program(name), '-c', SERVER_CONF, '--rundir', rundir, '--no-systemd']);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    }
    return child;
  };
  const door = start('letmeind');
  const judge = start('letmeinfwd');
  const end = performance.now() + START_LIMIT_MS;
  while (!listens()) {
    if (performance.now() > end || door.exitCode !== null || judge.exitCode !== null) {
      throw new StepFailed(`failed to start the daemons; they said:\n${said}`);
    }
    await pause(POLL_MS);
  }
  return { door, judge };
}

/** A small TCP service that greets whoever reaches it. */
async function startService() {
  const server = createServer((socket) => socket.end('hello from behind the firewall\n'));
  server.listen(SERVICE_PORT, SERVER);
  await once(server, 'listening');
  server.unref();
}

/** @param {string} title */
function chapter(title) {
  say(`\n${paint('bold', title)}`);
}

/**
 * Shows a command as it is typed, runs it, and shows what it says.
 * @param {'client' | 'server'} where
 * @param {string} shown
 * @param {readonly string[]} command
 */
async function show(where, shown, command) {
  say(`${paint('cyan', `${where}$`)} ${shown}`);
  const { status, text } = await collect(command);
  for (const line of text.trimEnd().split('\n')) if (line !== '') say(`  ${line}`);
  return { status, text };
}

/**
 * Tries the service from the client's machine.
 * @param {readonly string[]} enter
 * @param {boolean} expected whether it must answer
 */
async function connect(enter, expected) {
  const script = join(ROOT, 'scripts', 'demo-connect.mjs');
  const command = [...enter, process.execPath, script, SERVER, `${SERVICE_PORT}`];
  const { status } = await show('client', `connect ${SERVER} port ${SERVICE_PORT}`, command);
  if ((status === 0) !== expected) {
    throw new StepFailed(`failed: the connection should ${expected ? '' : 'not '}have worked`);
  }
}

/**
 * Runs the client on the client's machine.
 * @param {readonly string[]} enter
 * @param {'knock' | 'revoke'} verb
 */
async function letmein(enter, verb) {
  const args = [verb, SERVER, `${SERVICE_PORT}`];
  const command = [...enter, ...program('letmein'), '-c', CLIENT_CONF, ...args];
  const { status } = await show('client', `letmein ${args.join(' ')}`, command);
  if (status !== 0) throw new StepFailed(`failed: letmein ${verb} ended with status ${status}`);
  say(paint('green', `  status 0`));
}

/**
 * Root's daemons become users of their own: where there are other users than root, these must exist. They do so in this
 * mount namespace only.
 */
async function addUsers() {
  const [, , count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  if (count === '1') return;
  chmodSync(FOLDER, 0o755);
  const judge = `letmeinfwd:x:${JUDGE_ID}:`;
  await addLines('/etc/passwd', `letmeind:x:${DOOR_ID}:${DOOR_ID}::/:\n${judge}${JUDGE_ID}::/:\n`);
  await addLines('/etc/group', `letmeind:x:${DOOR_ID}:letmeinfwd\n${judge}\n`);
  chownSync(SERVER_CONF, 0, JUDGE_ID);
  chmodSync(SERVER_CONF, 0o640);
}

/**
 * Adds lines to a file as this mount namespace sees it.
 * @param {string} path
 * @param {string} lines
 */
async function addLines(path, lines) {
  const copy = join(FOLDER, basename(path));
  writeFileSync(copy, `${readFileSync(path, 'utf8')}${lines}`);
  await must(['mount', '--bind', copy, path]);
}

async function session() {
  const enter = await clientMachine();
  await must(['nft', '-f', join(ROOT, 'etc', 'nftables.conf')]);
  await configure();
  await addUsers();
  await startService();
  const { door, judge } = await startDaemons();

  chapter(
    'A server whose firewall drops everything, and a client. Both are namespaces of this machine.',
  );
  say(`  server ${SERVER}: letmeind (pid ${door.pid}), letmeinfwd (pid ${judge.pid}),`);
  say(`                    etc/nftables.conf, a TCP service on port ${SERVICE_PORT}`);
  say(`  client ${CLIENT}: letmein, and the key`);

  chapter('The port is closed.');
  await connect(enter, false);
  chapter(
    'The client proves that it has the key, and the port opens: for this client, for a while.',
  );
  await letmein(enter, 'knock');
  await connect(enter, true);
  chapter('The lease is in the kernel, with its clock: it would end even if letmein were gone.');
  const set = ['nft', 'list', 'set', 'inet', 'filter', 'letmein-port4'];
  const list = await show('server', set.join(' '), set);
  if (!list.text.includes(CLIENT))
    throw new StepFailed(`failed: the lease of ${CLIENT} is not listed`);
  chapter('The client gives it back, and the port is closed again.');
  await letmein(enter, 'revoke');
  await connect(enter, false);

  for (const daemon of [judge, door]) {
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await ended;
  }
  say(`\n${paint('green', 'Done.')} Nothing is left behind: the namespaces end with this process.`);
}

await main(session);
// The client's machine and its `cat` are still there: leave now, with the status that `main` has set.
process.exit();
