import { explain } from '../advice.js';
import type { Allowed } from '../attempt.js';
import type { Errand } from '../errand.js';
import { type Knock, knock, type Result } from '../knock.js';
import { FakeClock, FakeNetwork } from './fake.js';

/** What every fake knock is about. */
export const ERRAND: Errand = {
  operation: 'knock',
  user: 1,
  resource: 0x22,
  key: new Uint8Array(32).fill(0x5a),
};

/** One address of either family. */
export const V4 = '192.0.2.1';
export const V6 = '2001:db8::1';

/** A knock under way on a fake network. */
export interface Scene {
  clock: FakeClock;
  net: FakeNetwork;
  /** What came of it, as soon as something did. */
  result(): Result | undefined;
  /** The line about the result for a person. */
  line(): string;
  trace: string[];
}

/** Starts a knock at a name (by default over TCP and UDP, both families, either enough, 5 s). */
export function begin(changes: Partial<Knock> & { operation?: Errand['operation'] } = {}): Scene {
  const clock = new FakeClock();
  const errand = { ...ERRAND, operation: changes.operation ?? 'knock' };
  const net = new FakeNetwork(clock, errand);
  let result: Result | undefined;
  const plan = { ...PLAN, ...changes };
  const line = () => explain(result ?? NO_RESULT, { knock: plan, errand, host: PLAN_HOST });
  const scene: Scene = { clock, net, result: () => result, line, trace: [] };
  const tools = {
    clock,
    network: net,
    errand,
    trace: (step: string) => void scene.trace.push(step),
  };
  knock(tools, plan, (end) => {
    if (result !== undefined) {
      throw new Error('two results');
    }
    result = end;
  });
  return scene;
}

/** Starts a knock at the literal IPv4 address. */
export function beginLiteral(allowed: Allowed, changes: Partial<Knock> = {}): Scene {
  const host = { kind: 'literal', address: V4, family: 4 } as const;
  return begin({ host, families: [4], allowed, ...changes });
}

const NO_RESULT: Result = { opened: [], failed: [], success: false };
const PLAN_HOST = 'server.example';
const PLAN: Knock = {
  host: { kind: 'name', name: PLAN_HOST },
  families: [6, 4],
  all: false,
  port: 5800,
  allowed: { tcp: true, udp: true },
  deadlineMs: 5000,
};
