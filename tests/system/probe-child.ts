/**
 * A process that is launched and locked as one of the programs is, and then tries one thing: `probe-child.js FOLDER PROFILE
 * MODE main|thread ATTEMPT`. FOLDER has the probing addon, which no packed build has. Prints 0 or the errno of the attempt,
 * if it lives to.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launched } from '#dist/sandbox/launch.js';
import { lockDown } from '#dist/sandbox/lock.js';

interface ProbeAddon {
  Probe: new (name: string, onAnotherThread: boolean) => { run(): number };
}

type Profile = 'door' | 'judge' | 'client';
type Mode = 'log' | 'kill';

const [folder = '', profile, mode, place, attempt = ''] = process.argv.slice(2) as [
  string,
  Profile,
  Mode,
  'main' | 'thread',
  string,
];
const shared = { read: [folder, join(folder, '..')], mayStartPrograms: false, passed: [] };
const plans = {
  door: { ...shared, user: 'letmeind', tcp: 'any' },
  judge: { ...shared, user: 'letmeinfwd', capability: 'net-admin', tcp: 'any' },
  client: { ...shared, tcp: 'any' },
} as const;

launched(plans[profile]);
const addon: ProbeAddon = createRequire(import.meta.url)(join(folder, 'probe.node'));
const probe = new addon.Probe(attempt, place === 'thread');
// Both are used once before: no module is to be loaded after the lock.
process.stdout.write('locked\n');
lockDown(profile, mode);
process.stdout.write(`${probe.run()}\n`);
