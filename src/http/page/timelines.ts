/** The timelines of all spaces of a process: one budget, so that a thousand spaces take no more than a few. */
import type { AnyParticipant } from '../../actor/participant.ts';
import type { Tandem } from '../../tandem.ts';
import { diagnosisOf } from '../diagnosis.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { Headline } from '../headlines.ts';
import type { Condition } from './timeline.ts';
import { Timeline } from './timeline.ts';

/** Spans of all spaces together, of about 150 bytes each. */
const MOST = 20_000;
const MOST_OF_ONE = 200;
const LEAST_OF_ONE = 12;
/** Spaces that one look takes: of a thousand, each has its turn in the fourth look. */
const MOST_LOOKS = 250;

export class Timelines {
  readonly #tandem: Tandem;
  readonly #bySpace = new Map<string, Timeline>();
  #turn = 0;
  readonly stop: () => void;

  constructor(tandem: Tandem) {
    this.#tandem = tandem;
    // A change that is over before the next look is no less an outage.
    this.stop = tandem.observe({
      mode: ({ space }) => {
        const participant = tandem.get(space);
        if (participant) this.lookAt(participant);
      },
    });
  }

  of(space: string): Timeline | undefined {
    return this.#bySpace.get(space);
  }

  /** Notes how each space is now; of very many, some after the other. */
  look(): void {
    const { participants } = this.#tandem;
    for (let n = Math.min(MOST_LOOKS, participants.length); n > 0; n -= 1) {
      this.#turn = (this.#turn + 1) % participants.length;
      this.lookAt(participants[this.#turn]!);
    }
    if (this.#bySpace.size > participants.length) this.#forgetOthers(participants);
  }

  /** Notes how a space is now. */
  lookAt(participant: AnyParticipant): Timeline {
    const { name } = participant.space;
    let timeline = this.#bySpace.get(name);
    if (timeline === undefined) this.#bySpace.set(name, (timeline = new Timeline()));
    const diagnosis = diagnosisOf(participant);
    const { headline } = diagnosis;
    const now = {
      headline,
      condition: conditionOf(diagnosis),
      mode: participant.mode,
      freshness: participant.proof.freshness(),
    };
    timeline.note(this.#tandem.time.wall(), now, this.#most);
    return timeline;
  }

  get #most(): number {
    return Math.min(MOST_OF_ONE, Math.max(LEAST_OF_ONE, Math.floor(MOST / this.#bySpace.size)));
  }

  #forgetOthers(participants: readonly AnyParticipant[]): void {
    const spaces = new Set(participants.map(({ space }) => space.name));
    for (const space of this.#bySpace.keys()) if (!spaces.has(space)) this.#bySpace.delete(space);
  }
}

/** An end that somebody asked for, and a beginning that has not come yet, are no trouble. */
const IDLE: ReadonlySet<Headline> = new Set(['owner-released', 'no-owner-yet', 'stopped', 'removed']);

function conditionOf({ culprit, headline }: Diagnosis): Condition {
  if (IDLE.has(headline)) return 'idle';
  return culprit === 'nobody' ? 'well' : 'trouble';
}
