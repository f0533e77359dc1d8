/**
 * The contact with the process: its events while it talks, and at once the word that it does not. What is silent for
 * eight beats is taken for gone, whatever the connection seems to be; then it is tried again, and again.
 */

const SILENT_BEATS = 8;
const RETRY_MS = 700;

/**
 * @param {string} url
 * @param {{ update: (data: any) => void; lost: (why: string) => void }} told
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
    source.addEventListener('goodbye', ({ data }) => again(`It says goodbye: ${JSON.parse(data).reason}.`));
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
