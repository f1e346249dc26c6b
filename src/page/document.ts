import { createHash } from 'node:crypto';

import { escapeMarkup } from '../text/escape-markup.ts';
import { oneLine } from '../text/plain-text.ts';

export interface DocumentOptions {
  readonly title: string;
  /** HTML of the body. */
  readonly body: string;
  readonly style: string;
  readonly script: string;
}

/**
 * A whole page in one file. Its policy allows the style and the script in it by their digests and nothing else, so that
 * the file can reach no network and nothing that hides in a name can run (Content Security Policy Level 3).
 */
export function htmlDocument({ title, body, style, script }: DocumentOptions): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeMarkup(oneLine(title))}</title>
<style>${style}</style>
<script>${script}</script>
</head>
<body>
${body}
</body>
</html>
`;
}

/** The policy of a page of that style and script. */
export function contentPolicy(style: string, script: string): string {
  return [
    "default-src 'none'",
    `style-src '${digestOf(style)}'`,
    `script-src '${digestOf(script)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
