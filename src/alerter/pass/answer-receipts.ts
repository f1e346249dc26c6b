import { askReceipt, cancelReceipt, givesReceipts } from '../../notify/webhook/receipts.ts';
import { isReturning } from '../inhibit/difference.ts';
import type { PassContext } from './pass-context.ts';
import { recipientOf } from '../../config/values/recipient-kinds.ts';

/** The most receipts of a webhook in one pass, and the time for all of them. */
const maxReceipts = 20;
const allMs = 10_000;

/**
 * Asks whether somebody has acknowledged the open messages of webhooks that give receipts, and acknowledges their
 * alerts. Ends the signals of a message whose critical alerts have ended, were acknowledged otherwise, or have a good
 * value now. Reports a receiver that does not answer; the next pass asks again.
 */
export async function answerReceipts({ config, storage, lease, signal, observe, stages }: PassContext): Promise<void> {
  const endsAtMs = performance.now() + allMs;
  for (const webhook of config.webhooks.filter(givesReceipts)) {
    try {
      const open = await storage.replies.openReceipts(recipientOf('webhook', webhook.name), maxReceipts);
      for (const { receipt, open: alerts } of open) {
        const leftMs = endsAtMs - performance.now();
        if (leftMs <= 0) return;
        const asked = { receipt, signal, timeoutMs: Math.min(webhook.timeoutMs, leftMs) };
        const { acknowledgedOn, isOver } = await askReceipt(webhook, asked);
        if (!isOver && !alerts.every(isReturning)) continue;
        if (!isOver) await cancelReceipt(webhook, asked);
        const by = acknowledgedOn === null ? null : `webhook ${webhook.name} (${acknowledgedOn})`;
        const reply = await storage.replies.closeReceipt(await lease.take(), receipt, by);
        if (reply !== null) observe({ kind: 'reply', reply });
      }
    } catch (thrown) {
      stages.heedUnlessTaken(`receipts of webhook ${webhook.name}`, thrown);
    }
  }
}
