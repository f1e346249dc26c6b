import { createHash } from 'node:crypto';

import { escapeMarkup } from '../../text/escape-markup.ts';
import { oneLine } from '../../text/plain-text.ts';

interface DocumentOptions {
  readonly title: string;
  /** HTML of the body. */
  readonly body: string;
  readonly style: string;
  readonly script: string;
}

/**
 * Renders a whole page in one file. Its policy allows only its style and script, by their digests. The file can load
 * nothing from the network, and no code hidden in a name can run (Content Security Policy Level 3).
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

/** Returns the content security policy of a page with this style and script. */
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
