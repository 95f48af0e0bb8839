import type { ServerConfig } from '../config/model.js';
import { formatId } from '../config/problems.js';
import { messageOf } from '../daemon/failure.js';
import type { Log } from '../daemon/log.js';
import {
  ANSWER_LEN,
  type AnswerKind,
  CHALLENGE,
  decodeRequest,
  encodeAnswer,
  GRANTED,
  MESSAGE_LEN,
  REFUSED,
  REQUEST_LEN,
  type Request,
  SILENCE,
  TCP,
} from '../ipc/frames.js';
import { ChangeBatch, type Firewall, type Holder } from '../native/firewall.js';
import { type Gate, KNOCK, type Verdicts } from '../native/gate.js';
import { addressText, unusable } from './address.js';
import type { Leases } from './leases.js';
import { answersGoAway, type Proof } from './policy.js';
import { forbidden } from './rights.js';
import { hasProvenFirst, standingAfterFirst } from './standing.js';

/** A frame that waited longer than this speaks for somebody who has given up. */
const OLDEST_FRAME_MS = 2_000;
const NO_MESSAGE = Buffer.alloc(MESSAGE_LEN);

/** One request of a turn, and what is to be answered to it. */
interface Case {
  /** Its place among the turn's verdicts. */
  readonly at: number;
  readonly request: Request;
  answer: AnswerKind;
}

/** A lease that a proven RESPONSE asks to open or to end. */
interface Plea {
  readonly of: Case;
  readonly holder: Holder;
  readonly opens: boolean;
}

/** What a judgement is made with. */
export interface Court {
  readonly config: ServerConfig;
  readonly gate: Gate;
  readonly firewall: Firewall;
  readonly leases: Leases;
  /** Jump resources whose chains cannot take their rules now. */
  readonly outOfService: ReadonlySet<number>;
  readonly log: Log;
}

/**
 * Decides what the door is to answer. All requests of one turn are judged together: one native call
 * checks them, one transaction changes their leases, one write answers them.
 */
export class Judgement {
  constructor(private readonly court: Court) {}

  /**
   * @param frames REQUEST frames, back to back
   * @param nowMs CLOCK_MONOTONIC in milliseconds
   * @returns an ANSWER frame for each, back to back, in the same order
   * @throws LinkBroken or NativeError for frames that no honest door sends
   */
  of(frames: Buffer, nowMs: number): Buffer {
    const verdicts = this.court.gate.check(frames, nowMs);
    const cases: Case[] = [];
    const pleas: Plea[] = [];
    for (let at = 0; at < verdicts.length; at += 1) {
      const request = decodeRequest(frames, at * REQUEST_LEN);
      const each: Case = { at, request, answer: SILENCE };
      cases.push(each);
      if (nowMs - request.sentAtMs <= OLDEST_FRAME_MS) {
        this.#decide(each, verdicts, pleas);
      }
    }
    this.#grant(pleas, nowMs);
    this.#settle(cases, pleas);
    return answers(cases, verdicts);
  }

  /** Sets the case's answer, or enters the plea whose outcome will. */
  #decide(each: Case, verdicts: Verdicts, pleas: Plea[]): void {
    const { at, request } = each;
    const proof = provenBefore(request);
    switch (verdicts.kind(at)) {
      case 'malformed':
      case 'pending':
        return;
      case 'misplaced':
        // Over UDP no answer to what only servers send: a forged one would have two servers answer
        // each other's GOAWAY for ever.
        if (request.transport === TCP) {
          this.#refuse(each, proof, () => 'a message that only servers send');
        }
        return;
      case 'wrong-first':
      case 'wrong-response':
        this.#refuse(each, proof, () => `${verdicts.kind(at)} message`);
        return;
      case 'challenge':
        this.#challenge(each, verdicts, proof);
        return;
      case 'proven':
        this.#hear(each, verdicts, pleas);
        return;
      case 'again':
        each.answer = GRANTED;
        return;
      case 'share-full':
        this.#refuse(
          each,
          'response',
          () => `user ${formatId(verdicts.user(at))} proves too often`,
        );
        return;
    }
  }

  #challenge(each: Case, verdicts: Verdicts, proof: Proof): void {
    const reason =
      proof === 'nothing'
        ? this.#objection(each, verdicts)
        : 'a second first message on a connection';
    if (reason === undefined) {
      each.answer = CHALLENGE;
    } else {
      this.#refuse(each, 'first', () => reason);
    }
  }

  #hear(each: Case, verdicts: Verdicts, pleas: Plea[]): void {
    const objection = this.#objection(each, verdicts);
    if (objection !== undefined) {
      this.#refuse(each, 'response', () => objection);
      return;
    }
    const holder = {
      // A copy: the holder outlives the frames, of which a view would keep all in memory.
      address: Buffer.from(each.request.address),
      resource: verdicts.resource(each.at),
      user: verdicts.user(each.at),
    };
    pleas.push({ of: each, holder, opens: verdicts.operation(each.at) === KNOCK });
  }

  /** Why nothing is done for the user of a right MAC; undefined if there is no reason. */
  #objection({ at, request }: Case, verdicts: Verdicts): string | undefined {
    const { config, outOfService } = this.court;
    const user = verdicts.user(at);
    const resource = verdicts.resource(at);
    const reason =
      forbidden(config.resources, resource, user) ??
      unusable(request.address, config.nftables.family) ??
      (outOfService.has(resource) ? 'the resource is out of service' : undefined);
    return reason && `user ${formatId(user)}, resource ${formatId(resource)}: ${reason}`;
  }

  #refuse(each: Case, proof: Proof, reason: () => string): void {
    const { config, log } = this.court;
    each.answer = answersGoAway(config.general.policy, proof) ? REFUSED : SILENCE;
    const text = () => `refused ${addressText(each.request.address)}: ${reason()}`;
    if (proof === 'nothing') {
      log.debug(text);
    } else if (proof === 'first') {
      // A first message can be replayed by whoever has seen it.
      log.sayOfAnybody(text);
    } else {
      log.say(text);
    }
  }

  /** Changes the leases of all pleas in one transaction; if that fails, each in one of its own. */
  #grant(pleas: readonly Plea[], nowMs: number): void {
    if (pleas.length === 0) {
      return;
    }
    const batch = new ChangeBatch();
    const planned = pleas.map((plea) => ({ plea, undo: this.#plan(plea, nowMs, batch) }));
    try {
      if (!batch.isEmpty) {
        this.court.firewall.apply(batch);
      }
    } catch (error) {
      for (const { undo } of planned.toReversed()) {
        undo?.();
      }
      this.#retryApart(pleas, nowMs, error);
      return;
    }
    for (const { plea, undo } of planned) {
      if (undo !== undefined) {
        this.#granted(plea);
      }
    }
  }

  #retryApart(pleas: readonly Plea[], nowMs: number, error: unknown): void {
    const [only, second] = pleas;
    if (only !== undefined && second === undefined) {
      this.#refuse(only.of, 'response', () => messageOf(error));
      return;
    }
    for (const plea of pleas) {
      this.#grant([plea], nowMs);
    }
  }

  /** Puts what the plea needs into `batch`; returns how to take it back, undefined if it is refused. */
  #plan(plea: Plea, nowMs: number, batch: ChangeBatch): (() => void) | undefined {
    const { config, leases } = this.court;
    if (!plea.opens) {
      return leases.close(plea.holder, nowMs, batch);
    }
    const undo = leases.open(plea.holder, this.#timeoutOf(plea), nowMs, batch);
    if (undo === undefined) {
      const limit = `max-nr-rules = ${config.nftables.maxRules} is reached`;
      this.#refuse(plea.of, 'response', () => limit);
    }
    return undo;
  }

  #timeoutOf({ holder }: Plea): number {
    const { resources, nftables } = this.court.config;
    return resources.get(holder.resource)?.timeoutMs ?? nftables.timeoutMs;
  }

  #granted(plea: Plea): void {
    const { holder, opens } = plea;
    plea.of.answer = GRANTED;
    this.court.log.say(() => {
      const what = opens ? `opened for ${this.#timeoutOf(plea) / 1_000} s` : 'closed';
      const whose = `user ${formatId(holder.user)}, resource ${formatId(holder.resource)}`;
      return `${what} to ${addressText(holder.address)}: ${whose}`;
    });
  }

  /** Only a proof whose lease the kernel acknowledged is remembered as used. */
  #settle(cases: readonly Case[], pleas: readonly Plea[]): void {
    const acknowledged = new Uint8Array(cases.length);
    for (const plea of pleas) {
      acknowledged[plea.of.at] = plea.of.answer === GRANTED ? 1 : 0;
    }
    this.court.gate.settle(acknowledged);
  }
}

/** What the peer had proven before this message. Over UDP nothing is kept that could say so. */
function provenBefore({ transport, standing }: Request): Proof {
  return transport === TCP && hasProvenFirst(standing) ? 'first' : 'nothing';
}

function answers(cases: readonly Case[], verdicts: Verdicts): Buffer {
  const frames = Buffer.allocUnsafe(cases.length * ANSWER_LEN);
  for (const { at, request, answer } of cases) {
    const isFirst = answer === CHALLENGE && request.transport === TCP;
    const standing = isFirst ? standingOf(at, verdicts) : request.standing;
    const message = messageFor(answer, at, verdicts);
    encodeAnswer({ kind: answer, id: request.id, standing, message }, frames, at * ANSWER_LEN);
  }
  return frames;
}

function standingOf(at: number, verdicts: Verdicts): Buffer {
  return standingAfterFirst(verdicts.operation(at), verdicts.user(at), verdicts.resource(at));
}

function messageFor(answer: AnswerKind, at: number, verdicts: Verdicts): Buffer {
  switch (answer) {
    case SILENCE:
      return NO_MESSAGE;
    case CHALLENGE:
    case GRANTED:
      return verdicts.yes(at);
    case REFUSED:
      return verdicts.no(at);
  }
}
