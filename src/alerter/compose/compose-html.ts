/** src/alerter/compose: the texts of mails. */
import type { LineWords } from './line-words.ts';
import type { MailWords, SectionWords } from './mail-words.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';
import { commaGrouped } from '../../text/numbers.ts';

/**
 * Colours that can be read on a light and on a dark background. The background and the colour of ordinary text are left
 * to the mail program, for its dark mode.
 */
const colours = { critical: '#d93025', warning: '#b86e00', good: '#2e8540', quiet: '#7a7a7a' } as const;
const colourNames: Readonly<Partial<Record<SectionWords['kind'], keyof typeof colours>>> = {
  critical: 'critical',
  warning: 'warning',
  resolved: 'good',
};
const fonts = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const column =
  `max-width:640px;margin:0 auto;padding:16px;font:15px/1.45 ${fonts};` +
  'word-break:break-word;overflow-wrap:anywhere';
const fixed = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/** Renders a mail as HTML: inline styles, no images, one column that fits a telephone. */
export function composeHtml(subject: string, { introduction, answer, sections, closing }: MailWords): string {
  const body = [
    ...(introduction === null ? [] : [`<p style="margin:0 0 16px"><b>${escapeMarkup(introduction)}</b></p>`]),
    ...(answer === null
      ? []
      : [`<div style="margin:0 0 16px">${linkHtml(answer.link, answer.text, buttonStyle)}</div>`]),
    ...sections.map(sectionHtml),
    `<div style="margin:0;padding:10px 0 0;border-top:1px solid ${colours.quiet};font-size:13px">`,
    ...closing.map(
      ({ text, command }) => `<div>${escapeMarkup(text)}${command === null ? '' : ` ${code(command)}`}</div>`,
    ),
    '</div>',
  ];
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeMarkup(subject)}</title>
</head>
<body style="margin:0;padding:0">
<div style="${column}">
${body.join('\n')}
</div>
</body>
</html>
`;
}

/** A link that a thumb hits. */
const buttonStyle =
  'display:inline-block;padding:12px 18px;border:2px solid;border-radius:4px;' +
  'color:inherit;font-weight:bold;text-decoration:none';

function linkHtml(address: string, text: string, style: string): string {
  return `<a href="${escapeMarkup(address)}" style="${style}">${escapeMarkup(text)}</a>`;
}

function sectionHtml({ kind, heading, count, explanation, lines, rest, worst }: SectionWords): string {
  const isMixed = kind === 'open' || kind === 'flapping';
  const colour = isMixed ? colours[worst] : colours[colourNames[kind] ?? 'quiet'];
  const styleOf = `margin:0 0 10px;font-size:13px;font-weight:bold;letter-spacing:.06em;color:${colour}`;
  return [
    '<div style="margin:0 0 24px">',
    `<div style="${styleOf}">${escapeMarkup(heading.toUpperCase())}${count === null ? '' : ` (${commaGrouped(count)})`}</div>`,
    ...(explanation === null ? [] : [`<p style="margin:0 0 10px;font-size:13px">${escapeMarkup(explanation)}</p>`]),
    ...lines.map((line) => lineHtml(line, isMixed ? colours[line.severity] : colour)),
    ...rest.map((text) => `<p style="margin:0 0 16px;padding:0 0 0 13px">${escapeMarkup(text)}</p>`),
    '</div>',
  ].join('\n');
}

function lineHtml(
  { title, page = null, facts, list = [], chart, names, notes, commands }: LineWords,
  colour: string,
): string {
  const [first, ...others] = facts;
  return [
    `<div style="margin:0 0 16px;padding:0 0 0 10px;border-left:3px solid ${colour}">`,
    `<div style="font-size:16px;font-weight:bold">${page === null ? escapeMarkup(title) : linkHtml(page, title, 'color:inherit')}</div>`,
    ...(first === undefined ? [] : [`<div>${factHtml(first)}</div>`]),
    ...[...others, ...list].map((fact) => `<div style="font-size:13px">${factHtml(fact)}</div>`),
    ...(names === null ? [] : [`<div style="margin:4px 0 0">${unbroken(names.split(' '))}</div>`]),
    ...(chart === null ? [] : [chartHtml(chart, colour)]),
    ...notes.map((note) => `<div style="margin:4px 0 0">${linked(note)}</div>`),
    ...commands.map(
      ({ why, command }) =>
        `<div style="margin:4px 0 0;font-size:13px">${why === '' ? '' : `${escapeMarkup(why)} `}${code(command)}</div>`,
    ),
    '</div>',
  ].join('\n');
}

function chartHtml({ blocks, label }: NonNullable<LineWords['chart']>, colour: string): string {
  const style = `font:14px/1 ${fixed};white-space:nowrap;color:${colour}`;
  return (
    `<div style="margin:4px 0 0"><span style="${style}">${blocks}</span> ` +
    `<span style="font-size:13px;white-space:nowrap">${escapeMarkup(label)}</span></div>`
  );
}

/** The longest name or option that is kept unbroken, in characters. Browsers break words after hyphens. */
const longestWord = 30;

function code(command: readonly string[]): string {
  return `<code style="font:13px/1.45 ${fixed}">${unbroken(command)}</code>`;
}

function unbroken(words: readonly string[]): string {
  const kept = words.map((word) => {
    const isKept = word.includes('-') && word.length <= longestWord;
    return isKept ? `<span style="white-space:nowrap">${escapeMarkup(word)}</span>` : escapeMarkup(word);
  });
  return kept.join(' ');
}

/** Escapes a fact. Sets fingerprints of host keys in a fixed-width font: people compare them character by character. */
function factHtml(fact: string): string {
  return escapeMarkup(fact).replace(/SHA256:[A-Za-z0-9+/]+/g, `<code style="font:11px/1.45 ${fixed}">$&</code>`);
}

/** Escapes a text and links its addresses (http, https). A bracket or full stop after an address is no part of it. */
function linked(text: string): string {
  let html = '';
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`\u2068\u2069]+/gi)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, '');
    html += escapeMarkup(text.slice(end, match.index));
    end = match.index + address.length;
    html += URL.canParse(address)
      ? `<a href="${escapeMarkup(address)}">${escapeMarkup(address)}</a>`
      : escapeMarkup(address);
  }
  return html + escapeMarkup(text.slice(end));
}
