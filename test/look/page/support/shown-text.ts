import type { Markup } from '../../../../src/look/page/markup.ts';

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** Returns what a person reads of a page, as one line: no markup, no programs, no data of plots. */
export function shownText(markup: Pick<Markup, 'html'>): string {
  return markup.html
    .replace(/<(script|style|template)\b[^]*?<\/\1>/g, '')
    .replace(/<\/(?:p|li|td|th|h\d|div|section|tr|option|button|a|summary|span)>|<br>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '')
    .replace(/&#8239;/g, ' ')
    .replace(/&#8211;/g, '–')
    .replace(/\s+/g, ' ')
    .replace(/ ([:,.;)])/g, '$1')
    .trim();
}
