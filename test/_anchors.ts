/** The anchors of a page of Markdown, as GitHub makes them of its headings. */
export function anchorsOf(page: string): string[] {
  const headings = page.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.*)$/gm);
  const anchors = [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  const times = new Map<string, number>();
  return anchors.map((anchor) => {
    const before = times.get(anchor) ?? 0;
    times.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}
