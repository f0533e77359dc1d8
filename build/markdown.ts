/**
 * Markdown as a page of HTML, as far as the runbook uses it: headings, paragraphs, quotes, lists, tables, bold, code
 * and links. The live page serves it, so that somebody on call has it where no docs are at hand.
 *
 * A link to another file becomes the file's path: nothing serves that file.
 */

/** @param folder the folder of the text, for the paths of other files */
export function pageOf(markdown: string, folder: string): string {
  const blocks = markdown.trim().split(/\n{2,}/);
  const anchors = new Map<string, number>();
  const body = blocks.map((block) => blockOf(block, folder, anchors)).join('\n');
  const title = /^# (.*)$/m.exec(markdown)?.[1] ?? '';
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title)} · Tandem</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="style.css" />
  </head>
  <body class="runbook">
<nav aria-label="Back"><a href="../">The live page</a></nav>
<main>
${body}
</main>
  </body>
</html>
`;
}

function blockOf(block: string, folder: string, anchors: Map<string, number>): string {
  const inline = (text: string): string => inlineOf(text, folder);
  const heading = /^(#+) (.*)$/.exec(block);
  if (heading) return headingOf(heading[1]!.length, heading[2]!, anchors, inline);
  const lines = block.split('\n');
  if (lines.every((line) => line.startsWith('> ')))
    return `<blockquote>${inline(lines.map((line) => line.slice(2)).join(' '))}</blockquote>`;
  if (block.startsWith('|')) return tableOf(lines, inline);
  if (block.startsWith('- '))
    return `<ul>\n${block
      .split(/\n?^- /m)
      .filter(Boolean)
      .map((item) => `<li>${inline(item.replaceAll(/\n\s*/g, ' '))}</li>`)
      .join('\n')}\n</ul>`;
  return `<p>${inline(lines.join('\n'))}</p>`;
}

/** A heading has an anchor as GitHub makes it, and one more for each code of an error that it names. */
function headingOf(
  level: number,
  text: string,
  anchors: Map<string, number>,
  inline: (text: string) => string,
): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
  const times = anchors.get(plain) ?? 0;
  anchors.set(plain, times + 1);
  const id = times === 0 ? plain : `${plain}-${times}`;
  const codes = text.match(/\b[A-Z]+(?:_[A-Z]+)*\b(?=,|$)/g) ?? [];
  const more = codes.map((code) => `<span id="error-${code}"></span>`).join('');
  return `<h${level} id="${id}">${more}${inline(text)}</h${level}>`;
}

function tableOf(lines: readonly string[], inline: (text: string) => string): string {
  const [head, , ...rows] = lines.map((line) =>
    line
      .replaceAll(/^\|\s*|\s*\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll('\\|', '|'))),
  );
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll" tabindex="0"><table>\n<thead>${row(head!, 'th')}</thead>\n<tbody>\n${rows
    .map((cells) => row(cells, 'td'))
    .join('\n')}\n</tbody></table></div>`;
}

/** Code is set aside first: nothing in it is markup. */
function inlineOf(text: string, folder: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part, n) => (n % 2 === 1 ? `<code>${escaped(part.slice(1, -1))}</code>` : escaped(part)))
    .join('')
    .replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, label: string, target: string) =>
      target.startsWith('#')
        ? `<a href="${target}">${label}</a>`
        : `${label} (<code>${pathOf(folder, target)}</code>)`,
    )
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');
}

function pathOf(folder: string, target: string): string {
  return target.startsWith('../') ? target.slice(3) : `${folder}${target}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
