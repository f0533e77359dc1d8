/** The history of a space over HTTP: which values its keys had, newest first. */
import type { Context } from 'koa';
import type { History } from '../ports/history.ts';
import type { AnyParticipant } from '../actor/participant.ts';
import { readHistoryQuery } from './query.ts';

/** @throws Problem `INVALID_PARAMETER`; TandemError as `participant.history` */
export async function answerHistory(ctx: Context, participant: AnyParticipant): Promise<void> {
  const { key, ...wanted } = readHistoryQuery(ctx);
  const { from = 0, to = Infinity } = wanted;
  // A description cannot say that one parameter is below another. In such a time nothing was set.
  const isEmpty = from > to;
  const query = isEmpty ? { limit: 1 } : wanted;
  const history = await (key === undefined
    ? participant.historyOfAll(query)
    : participant.history(key, query));
  ctx.set('Cache-Control', 'no-store');
  const none = isEmpty && { hasMore: false, changes: [] };
  ctx.body = { space: participant.space.name, ...inJson(history), ...none };
}

function inJson(history: History): object {
  const changes = history.map(({ key, value, deleted, changedAt, position, error, raw }) => ({
    key,
    ...(raw === undefined
      ? { value }
      : { raw, error: error instanceof Error ? error.message : 'it cannot be read' }),
    deleted,
    changedAt,
    position,
  }));
  return { knownFrom: history.knownFrom ?? null, hasMore: history.hasMore, changes };
}
