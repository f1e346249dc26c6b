import { parseDuration } from '../../text/durations.ts';
import { minuteMs } from '../../platform/units.ts';
import type { AlertmanagerConfig, HeartbeatConfig, WebhookConfig, WebhookFormat } from '../channel-config.ts';
import { parseLabels } from '../values/labels.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import { noteLiteral, readSecret, type ReadContext } from './read-secret.ts';

/** Attributes that belong to the `<webhook>` with the URL. */
const ofDefinition = ['format', 'header', 'headerFile', 'ca', 'proxy', 'timeout'];
const longestMs = 2 * minuteMs;

/** Returns the webhook of each `<webhook>` with a URL. A `<webhook>` with a name alone refers to such a webhook. */
export function readWebhooks(root: Element, context: ReadContext): readonly WebhookConfig[] {
  const { findings } = context;
  const elements = webhooksBelow(root).filter(({ faulty }) => !faulty);
  const defined = new Map<string, WebhookConfig>();
  const places = new Map<string, Element>();
  const references: Element[] = [];
  for (const element of elements) {
    const { name = '' } = element.attributes;
    const hasUrl = ['url', 'urlFile', 'urlEnv'].some((one) => one in element.attributes);
    if (!hasUrl) {
      references.push(element);
      continue;
    }
    const earlier = places.get(name);
    if (earlier !== undefined) {
      const where = `${earlier.source.shown}:${earlier.line}`;
      const remedy = `write <webhook name="${name}"/> to add that one, or choose another name`;
      findings.fault(element, `a second <webhook name="${name}"> with a URL; the first is at ${where}, ${remedy}`);
      continue;
    }
    places.set(name, element);
    const webhook = readWebhook(element, name, context);
    if (webhook !== null) defined.set(name, webhook);
  }
  for (const element of references) checkReference(element, places, context);
  return [...defined.values()];
}

function webhooksBelow(element: Element): readonly Element[] {
  return element.children.flatMap((child) => (child.name === 'webhook' ? child : webhooksBelow(child)));
}

function readWebhook(element: Element, name: string, context: ReadContext): WebhookConfig | null {
  const { format = 'alertmanager', ca, timeout } = element.attributes;
  const url = readSecret(element, 'url', context) ?? null;
  const header = readSecret(element, 'header', context) ?? null;
  if (url === null) {
    const message = `<webhook name="${name}"> has no URL; write url="...", urlFile="..." or urlEnv="..."`;
    if (!element.faulty) context.findings.fault(element, message);
    return null;
  }
  return {
    name,
    url,
    format: format as WebhookFormat,
    header,
    ca: ca === undefined ? null : localPath(ca, element.source),
    proxy: readProxy(element, context),
    timeoutMs: readTimeout(element, timeout, context),
  };
}

/** Reads `<heartbeat>`. Returns nothing for an element with a fault. */
export function readHeartbeat(element: Element, context: ReadContext): readonly HeartbeatConfig[] {
  const { url } = element.attributes;
  return url === undefined ? [] : [{ url, proxy: readProxy(element, context) }];
}

/** Returns the written proxy; null if there is none. A login in it is a secret. */
export function readProxy(element: Element, { places }: ReadContext): string | null {
  const { proxy } = element.attributes;
  if (proxy === undefined) return null;
  if (proxy.includes('@')) noteLiteral(element, places);
  return proxy;
}

function checkReference(element: Element, places: ReadonlyMap<string, Element>, { findings }: ReadContext): void {
  const { name = '' } = element.attributes;
  if (!places.has(name)) {
    const message = `<webhook name="${name}"> has no URL, and none of that name has one`;
    findings.fault(element, `${message}; write url="...", urlFile="..." or urlEnv="..."`);
    return;
  }
  const misplaced = ofDefinition.filter((one) => one in element.attributes);
  if (misplaced.length === 0) return;
  const message = `<webhook name="${name}"> has ${misplaced.join(' and ')} but no URL`;
  findings.fault(element, `${message}; write that where the URL stands`);
}

/** Reads `<alertmanager>`. Returns null if the element is missing. */
export function readAlertmanager(element: Element | null, context: ReadContext): AlertmanagerConfig | null {
  const { url, labels, ca, timeout } = element?.attributes ?? {};
  if (element === null || url === undefined) return null;
  return {
    urls: url.split(',').map((one) => one.trim()),
    labels: parseLabels(labels ?? '') ?? {},
    ca: ca === undefined ? null : localPath(ca, element.source),
    proxy: readProxy(element, context),
    timeoutMs: readTimeout(element, timeout, context),
  };
}

function readTimeout(element: Element, timeout: string | undefined, { findings }: ReadContext): number {
  const timeoutMs = timeout === undefined ? 10_000 : (parseDuration(timeout) ?? 0);
  if (timeoutMs <= 0 || timeoutMs > longestMs) {
    findings.fault(element, `<${element.name}> timeout="${timeout ?? ''}" is not between 1s and 2m`);
  }
  return timeoutMs;
}
