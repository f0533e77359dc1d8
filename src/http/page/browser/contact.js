/**
 * The connection to the process. After eight beats without an event it counts as lost, even if the socket
 * seems open. Then it is opened anew every 700 ms.
 */

const SILENT_BEATS = 8;
const RETRY_MS = 700;

/**
 * @param {string} url
 * @param {{ update: (data: any) => void; lost: (why: string) => void }} listener `lost`: called with each
 *   loss's reason
 */
export function keepContact(url, { update, lost }) {
  let source;
  let watch;
  let retry;
  let silentMs = 2_500;

  function open() {
    source = new EventSource(url);
    source.addEventListener('update', ({ data }) => {
      const news = JSON.parse(data);
      if (news.hello) silentMs = Math.max(1_500, news.hello.beatMs * SILENT_BEATS);
      heard();
      update(news);
    });
    source.addEventListener('goodbye', ({ data }) => again(`It is closing: ${JSON.parse(data).reason}.`));
    source.addEventListener('error', () => again('It cannot be reached.'));
    heard();
  }

  function heard() {
    clearTimeout(watch);
    watch = setTimeout(() => again('It is silent.'), silentMs);
  }

  function again(why) {
    source.close();
    clearTimeout(watch);
    clearTimeout(retry);
    lost(why);
    retry = setTimeout(open, RETRY_MS);
  }

  open();
}
