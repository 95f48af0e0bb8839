import type { Section } from './grammar.js';
import type { Place } from './located.js';
import type { General, Policy, SeccompMode } from './model.js';
import { suggestion } from './nearest.js';
import { readOptions } from './options.js';
import type { Problems } from './problems.js';
import { PROTOCOLS, protocolOf, repeatedProtocol } from './protocols.js';
import {
  type Reader,
  readBoolean,
  readDuration,
  readPortNumber,
  readWord,
  wrong,
} from './values.js';

/** Upstream's control port, over TCP. */
const DEFAULT_PORT = 5800;
/** How long a peer may take for its next step, milliseconds. */
const DEFAULT_CONTROL_TIMEOUT_MS = 5000;

/** What upstream 12.6.2 does when the option is absent: tests/system/policy.test.ts measures it. */
const DEFAULT_POLICY: Policy = 'always';
const POLICIES: readonly Policy[] = ['always', 'basic-auth', 'full-auth'];
const SECCOMP_MODES: readonly SeccompMode[] = ['off', 'log', 'kill'];

interface ControlPort {
  port: number;
  tcp: boolean;
  udp: boolean;
}

/** `[GENERAL]` and where it says what, for rules that join several options. */
export interface GeneralSection {
  general: General;
  /** Where `port` stands; `undefined`: the default holds. */
  portPlace: Place | undefined;
  /** `port` is there but wrong: the control port is not known. */
  portUnknown: boolean;
  policyPlace: Place | undefined;
}

/** Reads `[GENERAL]`, the same in both files; absent options get their defaults. */
export function readGeneral(section: Section | undefined, problems: Problems): GeneralSection {
  const options = readOptions(
    section,
    {
      debug: readBoolean,
      port: readControlPort,
      'control-timeout': readDuration,
      'control-error-policy': readWord(POLICIES, true),
      seccomp: readWord(SECCOMP_MODES, true),
    },
    problems,
  );
  const control = options.port?.value ?? { port: DEFAULT_PORT, tcp: true, udp: false };
  return {
    general: {
      debug: options.debug?.value ?? false,
      ...control,
      controlTimeoutMs: options['control-timeout']?.value ?? DEFAULT_CONTROL_TIMEOUT_MS,
      policy: options['control-error-policy']?.value ?? DEFAULT_POLICY,
      seccomp: options.seccomp?.value ?? 'off',
    },
    portPlace: options.port?.place,
    portUnknown:
      options.port === undefined &&
      section?.options.some((option) => option.name === 'port') === true,
    policyPlace: options['control-error-policy']?.place,
  };
}

/** `5800`, `5800 / udp`, `5800 / tcp / udp`; the order does not matter, no protocol means TCP. */
const readControlPort: Reader<ControlPort> = (value, name, problems) => {
  const protocols = { tcp: false, udp: false };
  let port: number | undefined;
  let wrongWords = false;
  for (const word of value.split('/').flatMap((item) => item.split(','))) {
    const protocol = protocolOf(word.text);
    if (protocol !== undefined) {
      repeatedProtocol(protocols, protocol, word.place, problems);
      protocols[protocol] = true;
    } else if (port !== undefined && /^\d/.test(word.text)) {
      problems.error(word.place, `${name}: a second number: there is one control port`);
      wrongWords = true;
    } else {
      const number = readControlWord(word, name, problems);
      port ??= number;
      wrongWords ||= number === undefined;
    }
  }
  if (port === undefined && !wrongWords) {
    problems.error(value.place, `${name}: the number is missing: write it like '5800 / tcp'`);
  }
  if (port === undefined || wrongWords) {
    return undefined;
  }
  return { port, tcp: protocols.tcp || !protocols.udp, udp: protocols.udp };
};

/** A word of `port` that is no protocol: the number, or a mistake. */
const readControlWord: Reader<number> = (word, name, problems) => {
  if (word.text === '') {
    problems.error(word.place, `${name}: an empty item: remove its '/' or ','`);
    return undefined;
  }
  if (/^[a-z]/i.test(word.text)) {
    return wrong(word, name, `is not known: ${suggestion(word.text, PROTOCOLS)}`, problems);
  }
  return readPortNumber(word, name, problems);
};
