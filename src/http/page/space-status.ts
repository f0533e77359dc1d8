/** The status of each space, as every message to a page has it. */
import type { AnyParticipant } from '../../actor/participant.ts';
import type { Time } from '../../base/time.ts';
import { Owner } from '../../owner/owner.ts';
import { answerHeadersOf, inJson } from '../answer-headers.ts';
import { diagnosisOf } from '../diagnosis.ts';
import type { Timelines } from './timelines.ts';
import type { Waits } from './waiting.ts';
import { Waiting } from './waiting.ts';

export class SpaceStatuses {
  readonly #time: Time;
  readonly #timelines: Timelines;
  readonly #waiting = new WeakMap<Owner, Waiting>();

  constructor(time: Time, timelines: Timelines) {
    this.#time = time;
    this.#timelines = timelines;
  }

  /** Since when something waits is noticed at these looks, also while no page is open. */
  look(participants: readonly AnyParticipant[]): void {
    for (const participant of participants) this.#waitsOf(participant);
  }

  of(participant: AnyParticipant): Record<string, unknown> {
    const { up, error } = participant.link;
    return {
      space: participant.space.name,
      role: roleOf(participant),
      ownership: participant instanceof Owner ? participant.ownership : null,
      ...diagnosisOf(participant),
      since: this.#timelines.of(participant.space.name)?.headlineSince ?? null,
      ...inJson(answerHeadersOf(participant)),
      state: participant.state,
      reason: participant.reason,
      ownerName: participant.status.ownerName ?? null,
      leaseMs: Math.ceil(participant.proof.leaseMs()),
      keys: participant.size,
      link: { up, error: error?.message ?? null },
      waiting: this.#waitsOf(participant) ?? null,
    };
  }

  /** What of an owner's changes waits for Redis. */
  #waitsOf(participant: AnyParticipant): Waits | undefined {
    if (!(participant instanceof Owner) || participant.ownership === 'standby') return undefined;
    let waiting = this.#waiting.get(participant);
    if (waiting === undefined) this.#waiting.set(participant, (waiting = new Waiting()));
    return waiting.look(participant.confirmation, this.#time.wall());
  }
}

/** A standby has its own role on the page until it leads. */
function roleOf(participant: AnyParticipant): 'owner' | 'standby' | 'follower' {
  if (!(participant instanceof Owner)) return 'follower';
  return participant.ownership === 'standby' ? 'standby' : 'owner';
}
