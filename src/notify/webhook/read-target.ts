import type { WebhookConfig } from '../../config/config.ts';
import { parseHeaderLine } from '../../config/values/header-line.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { readAuthority } from '../../platform/read-named-file.ts';
import { rememberSecret } from '../../platform/errors/revealed-secrets.ts';
import { percentDecoded } from '../../text/percent-decoded.ts';
import type { PostTarget } from '../http/post.ts';
import { takeLogin } from '../http/url-login.ts';
import { formats, type Placed } from './formats.ts';

export type Webhook = Pick<WebhookConfig, 'name' | 'format' | 'url' | 'header' | 'ca' | 'proxy' | 'timeoutMs'>;

/** The target of a request, and the parts of it that have secrets. */
export interface Secrets extends Pick<Placed, 'method' | 'fields'> {
  readonly target: PostTarget;
  readonly headers: Readonly<Record<string, string>>;
  /** The token of a format whose URL has one; empty for others. */
  readonly token: string;
}

/**
 * Reads the secrets of a webhook, and places them in the request for a mail as its format says. Throws FleetError
 * `secret-missing`, or `mail-unavailable` of stage `config`.
 */
export function readTarget(webhook: Webhook, messageId = ''): Secrets {
  const { url: secret, ca, proxy, timeoutMs, format } = webhook;
  const text = secret.reveal();
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw unusable(webhook, `there is no web address in ${secret.origin}`);
  for (const part of partsOf(url)) rememberSecret(part);
  const own = readHeader(webhook);
  const { url: form, place = (): Placed => ({}) } = formats[format];
  const token = form === undefined ? '' : [url.username, url.password].filter(Boolean).map(percentDecoded).join(':');
  rememberSecret(token);
  const login = takeLogin(url);
  const path = url.pathname.replace(/\/+$/, '');
  // The form of a URL ends with a word in capitals for a target.
  const hasTarget = /\/[A-Z]+$/.test(form ?? '');
  const [, base = path, target = ''] = hasTarget ? (/^(.*)\/([^/]*)$/.exec(path) ?? []) : [];
  const query = Object.fromEntries(url.searchParams);
  const placed = place({ token, base, target: percentDecoded(target), query, id: messageId });
  const isHeaderEnough = placed.headers !== undefined && Object.keys(own).length > 0;
  const lacksToken = form !== undefined && token === '' && !isHeaderEnough;
  if (lacksToken || (hasTarget && target === '')) {
    throw unusable(webhook, `the URL in ${secret.origin} is not of the form ${form ?? ''}`);
  }
  if (placed.path !== undefined) {
    url.pathname = placed.path;
    url.search = '';
  }
  const headers = { ...(form === undefined ? login : {}), ...placed.headers, ...own };
  return { target: { url, ca: authorityOf(webhook, ca), proxy, timeoutMs }, ...placed, headers, token };
}

/** Returns the header of a webhook; nothing if it has none. */
function readHeader(webhook: Webhook): Readonly<Record<string, string>> {
  if (webhook.header === null) return {};
  const line = parseHeaderLine(webhook.header.reveal());
  if (line === null) throw unusable(webhook, `there is no header in ${webhook.header.origin}`);
  const [name, value] = line;
  // A receiver may repeat `Bearer T0KEN`, the token alone, or its decoded form.
  const words = [value, ...value.split(/[ =,;]+/)];
  for (const word of words.flatMap((one) => [one, percentDecoded(one)])) rememberSecret(word);
  if (/^Basic /i.test(value)) {
    const login = Buffer.from(value.slice('Basic '.length), 'base64').toString();
    for (const secret of [login, login.slice(login.indexOf(':') + 1)]) rememberSecret(secret);
  }
  return { [name.toLowerCase()]: value };
}

/** Returns the parts of a URL that may be a token, raw and decoded. A receiver may repeat any of them. */
function partsOf({ pathname, search, searchParams, username, password }: URL): readonly string[] {
  const parts = [`${pathname}${search}`, ...pathname.split('/'), ...searchParams.values(), username, password];
  return [...new Set([...parts, ...parts.map(percentDecoded)])].filter((part) => part.length > 1);
}

function authorityOf(webhook: Webhook, file: string | null): Buffer | null {
  try {
    return readAuthority('webhook', file);
  } catch (thrown) {
    throw unusable(webhook, messageOf(thrown));
  }
}

function unusable({ name }: Webhook, what: string): FleetError {
  return new FleetError({
    code: 'mail-unavailable',
    stage: 'config',
    message: `webhook ${name}: ${what}`,
    advice: 'Mend <webhook> in config.xml, or the file that it names.',
  });
}
