/** The parts of the documents that follow from the formats of webhooks. */
import { test } from 'node:test';

import { webhookFormats, type WebhookFormat } from '../../../src/config/channel-config.ts';
import { formats, type FormatWords } from '../../../src/notify/webhook/formats.ts';
import { assertWritten } from '../../support/written-part.ts';

const reached: Readonly<Record<FormatWords['to'], readonly [what: string, more: string]>> = {
  services: [
    'a hundred services by one: chats, telephones, short messages',
    ' and the [Apprise API](https://github.com/caronc/apprise-api), a small program of your own',
  ],
  chat: ['a chat', ''],
  telephone: ['a telephone', ''],
  'on call': ['a service for people on call', ''],
  own: ["Alertmanager's receivers, or a program of your own", ''],
};

/** Returns the names of the formats that reach something, with what one should know of them. */
function choicesOf(to: FormatWords['to']): string {
  const more = (format: WebhookFormat): string => {
    if (format === 'alertmanager') return ' (the default)';
    return formats[format].receipt === undefined ? '' : ' (until somebody acknowledges)';
  };
  const names = webhookFormats.filter((format) => formats[format].words.to === to);
  return names.map((format) => `\`${format}\`${more(format)}`).join(', ');
}

const chats = (['chat', 'telephone', 'on call', 'services'] as const).flatMap((to) =>
  webhookFormats.flatMap((format) => (formats[format].words.to === to ? formats[format].words.title : [])),
);
const kinds = Object.entries(reached) as [FormatWords['to'], readonly [string, string]][];
const parts: readonly (readonly [document: string, name: string, lines: readonly string[]])[] = [
  [
    'docs/webhooks.md',
    'choice',
    [
      '| to reach | `format` |',
      '|---|---|',
      ...kinds.map(([to, [what, more]]) => `| ${what} | ${choicesOf(to)}${more} |`),
    ],
  ],
  [
    'docs/webhooks.md',
    'urls',
    [
      '| `format` | the URL, in `urlFile` or `urlEnv` |',
      '|---|---|',
      ...webhookFormats.flatMap((format) => {
        const { url } = formats[format].words;
        return url === undefined ? [] : [`| \`${format}\` | ${url} |`];
      }),
    ],
  ],
  [
    'docs/webhooks.md',
    'posted',
    [
      '| `format` | request | body | the longest text |',
      '|---|---|---|---|',
      ...webhookFormats.map((format) => {
        const { request, body, longest } = formats[format].words;
        return `| \`${format}\` | ${request} | ${body} | ${longest} |`;
      }),
    ],
  ],
  [
    'README.md',
    'chats',
    [
      `- **Chats and pagers**: \`<webhook>\` posts to ${chats.join(', ')}`,
      "  or any receiver of Alertmanager's document ([docs/webhooks.md](docs/webhooks.md)).",
    ],
  ],
];

for (const [document, name, lines] of parts) {
  test(`${document} has what follows from the formats: ${name}`, () => assertWritten(document, name, lines));
}
