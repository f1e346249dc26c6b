/** Notifications for webhooks, and their settings. */
import { keyed } from '../../about/support/keyed.ts';
import type { WebhookConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import type { Notice, NoticeAlert } from '../../../src/notify/webhook/notice.ts';

export function noticeAlert(overrides: Partial<NoticeAlert> = {}): NoticeAlert {
  return keyed({
    id: '0123456789abcdef0123456789abcdef',
    labels: {},
    client: 'web-1',
    rule: 'disk',
    subject: '/var',
    severity: 'critical',
    state: 'firing',
    title: 'web-1: disk /var',
    value: '97 % used, 3 of 100 GiB free',
    limit: 'at least 95 %',
    note: null,
    acknowledgedBy: null,
    startsAtMs: Date.UTC(2026, 10, 20, 8, 10),
    endsAtMs: null,
    ...overrides,
  });
}

export function noticeOf(alerts: readonly NoticeAlert[], overrides: Partial<Notice> = {}): Notice {
  return {
    messageId: '<0123456789abcdef0123456789abcdef@example.org>',
    subject: 'CRITICAL web-1: disk /var 97 %',
    text: 'CRITICAL (1) ====\nweb-1: disk /var\n',
    state: 'firing',
    severity: 'critical',
    atMs: Date.UTC(2026, 10, 20, 8, 30),
    alerts,
    ...overrides,
  };
}

/** Returns the settings of a webhook `chat`. */
export function webhookConfig(url: string, overrides: Partial<WebhookConfig> = {}): WebhookConfig {
  return {
    name: 'chat',
    url: new Secret({ kind: 'literal', value: url }),
    format: 'alertmanager',
    header: null,
    ca: null,
    proxy: null,
    timeoutMs: 5_000,
    ...overrides,
  };
}
