/**
 * The texts of the states of spaces, as answers and streams share them: the rows alone. What shows how current
 * an answer is comes before them, and is each answer's own.
 */
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { PIECE_BYTES } from '../base/pieces.ts';
import { SharedTexts } from '../base/shared-texts.ts';
import type { LongMessage, TextReader } from '../base/text.ts';
import type { Freshness } from '../state/reading.ts';
import type { Tandem } from '../tandem.ts';
import type { AnswerHeaders } from './answer-headers.ts';
import { inJson } from './answer-headers.ts';
import type { Budget } from './budget.ts';
import { TextBody } from './text-body.ts';

export class SpaceTexts {
  readonly #tandem: Tandem;
  readonly #budget: Budget;
  readonly #texts = new WeakMap<AnyParticipant, SharedTexts>();
  /** The length of the last whole text of each space, bytes. */
  readonly #sizes = new WeakMap<AnyParticipant, number>();

  constructor(tandem: Tandem, budget: Budget) {
    this.#tandem = tandem;
    this.#budget = budget;
  }

  /**
   * Begins to read the rows of a space as they are now.
   * @param prefix only of keys that begin with it; empty for all
   * @returns `undefined` where no text can begin now: ask again after `free`
   * @throws Problem `TOO_MANY_BYTES`
   */
  open(participant: AnyParticipant, prefix = ''): TextReader | undefined {
    const freshness = participant.proof.freshness();
    return this.#of(participant).open(prefix, versionOf(participant), () => {
      this.#budget.require(prefix === '' ? this.#size(participant) : 0);
      return rowsOf(participant, prefix, freshness);
    });
  }

  /**
   * Requires that there is room for the text of a whole space.
   * @throws Problem `TOO_MANY_BYTES`
   */
  requireRoom(participant: AnyParticipant): void {
    if (!this.#of(participant).has('', versionOf(participant))) this.#budget.require(this.#size(participant));
  }

  /** Resolves when a text may begin that could not begin before. */
  free(participant: AnyParticipant): Promise<void> {
    return this.#of(participant).free();
  }

  /** Answers with a text that is whole, as JSON. */
  answer(ctx: Context, message: LongMessage): void {
    const { head, body, tail } = message;
    ctx.type = 'json';
    if (body.text.bytes <= PIECE_BYTES) {
      ctx.body = `${head}${body.next()?.toString() ?? ''}${tail}`;
      return body.close();
    }
    const answer = new TextBody(ctx, this.#budget.outlets, this.#tandem.time);
    ctx.body = answer;
    ctx.length = Buffer.byteLength(head) + body.text.bytes + Buffer.byteLength(tail);
    answer.begin(message);
  }

  /** The length of a text of a whole space, as far as it is known, bytes. */
  #size(participant: AnyParticipant): number {
    return this.#sizes.get(participant) ?? 0;
  }

  #of(participant: AnyParticipant): SharedTexts {
    const known = this.#texts.get(participant);
    if (known !== undefined) return known;
    const { slices, time } = this.#tandem;
    const texts = new SharedTexts(slices, time, (part) => {
      const text = this.#budget.newText();
      const note = (): void => void this.#sizes.set(participant, text.bytes);
      if (part === '') text.made.then(note, () => {});
      return text;
    });
    this.#texts.set(participant, texts);
    return texts;
  }
}

/** The whole answer, of which `rows` are the text. */
export function stateMessage(space: string, headers: AnswerHeaders, rows: TextReader): LongMessage {
  const fields = JSON.stringify({ space, ...inJson(headers) });
  return { head: `${fields.slice(0, -1)},"state":{`, body: rows, tail: '}}' };
}

/** All that the text of a state depends on. */
function versionOf({ head, correctedAt, proof }: AnyParticipant): readonly unknown[] {
  return [head, correctedAt, proof.freshness()];
}

/** The rows as JSON, a part each. What was stale at the first step is shown as stale. */
function* rowsOf(
  participant: AnyParticipant,
  prefix: string,
  asOfNow: Freshness,
): Generator<string, void, void> {
  let comma = '';
  for (const row of participant.snapshotRows()) {
    if (row === undefined || row.value === undefined || !row.key.startsWith(prefix)) {
      yield '';
      continue;
    }
    const { key, value, position, changedAt, proof } = row;
    const freshness = asOfNow === 'stale' ? asOfNow : proof.freshness();
    yield `${comma}${JSON.stringify(key)}:${JSON.stringify({ value, position, changedAt, freshness })}`;
    comma = ',';
  }
}
