import { setTimeout as sleep } from 'node:timers/promises';
import { elapsedMs, systemClock, type Instant } from '../clock.ts';
import { exitCodes, type ExitCode } from './command.ts';
import type { Connection } from './connection.ts';
import { jsonText } from './json-text.ts';
import { createServerClient } from './server-client.ts';
import { askStatus, longestStatusBytes, type ServerStatus, type StatusFilter } from './status-answer.ts';
import { shownServer, statusDocument, statusLines, type StatusView } from './status-report.ts';
import { painter, type Terminal } from './terminal.ts';

export interface WatchOptions {
  readonly filter: StatusFilter;
  readonly format: 'text' | 'json';
  readonly everyMs: number;
}

/** For one round: a server that takes longer is shown as one that does not answer. */
const longestRoundMs = 5000;
/** Ages are counted on the screen, also while nothing comes. */
const redrawMs = 1000;

/** Shows the status again and again until somebody has enough. A server that goes away is shown as such. */
export async function watchStatus(
  terminal: Terminal,
  connection: Connection,
  { filter, format, everyMs }: WatchOptions,
): Promise<ExitCode> {
  const signal = terminal.untilInterrupted();
  const isOver = () => signal.aborted;
  const known = whatIsKnown(shownServer(connection.server));
  const screen = format === 'text' && canBeDrawnOn(terminal) ? openScreen(terminal, () => known.view()) : undefined;
  const show = async () => {
    if (screen !== undefined) screen.draw();
    else await terminal.out(format === 'json' ? `${jsonText(statusDocument(known.view()))}\n` : page(known.view()));
  };
  try {
    while (!isOver()) {
      const client = createServerClient({
        ...connection,
        timeoutMs: Math.min(connection.timeoutMs, longestRoundMs),
        longestAnswerBytes: longestStatusBytes,
        onRetry: (why) => {
          known.silent(why);
          screen?.draw();
        },
      });
      const giveUp = () => void client.close();
      signal.addEventListener('abort', giveUp, { once: true });
      const asked = await askStatus(client, filter).finally(() => client.close());
      signal.removeEventListener('abort', giveUp);
      if (isOver()) break;
      if (asked.kind === 'answer') known.told(asked.answer);
      else known.silent(asked.why);
      await show();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await screen?.close();
  }
  return exitCodes.ok;

  function page(view: StatusView): string {
    const lines = statusLines(view, painter(terminal.colours));
    return `${[new Date(view.atMs).toISOString(), ...lines, ''].join('\n')}\n`;
  }
}

/** The server's last word, and for how long it has been silent. */
function whatIsKnown(server: string) {
  let last: { readonly status: ServerStatus; readonly at: Instant } | undefined;
  let silence: { readonly why: string; readonly since: Instant } | undefined;
  return {
    told(status: ServerStatus): void {
      last = { status, at: systemClock.now() };
      silence = undefined;
    },
    silent(why: string): void {
      silence = { why, since: silence?.since ?? systemClock.now() };
    },
    view(): StatusView {
      const now = systemClock.now();
      return {
        server,
        atMs: now.wallMs,
        status: last?.status ?? null,
        elapsedMs: last === undefined ? 0 : elapsedMs(last.at, now),
        silence: silence === undefined ? null : { why: silence.why, forMs: elapsedMs(silence.since, now) },
      };
    },
  };
}

function canBeDrawnOn({ isTerminal, env }: Terminal): boolean {
  return isTerminal && env.TERM !== 'dumb';
}

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const toEndOfLine = '\u001b[K';
const toEndOfScreen = '\u001b[J';

/** The terminal's other screen, drawn over in place; the first one is as it was when this is closed. */
function openScreen(terminal: Terminal, view: () => StatusView) {
  let isDrawing = false;
  let isClosed = false;
  const draw = () => {
    // A terminal that is slower than we are misses a picture, and gets a newer one.
    if (isDrawing || isClosed) return;
    isDrawing = true;
    const lines = statusLines(view(), painter(terminal.colours), terminal.size());
    const picture = lines.map((line) => `${line}${toEndOfLine}`).join('\n');
    void terminal.out(`${home}${picture}${toEndOfScreen}`).then(() => (isDrawing = false));
  };
  void terminal.out(enter);
  terminal.onResize(draw);
  const redraw = setInterval(draw, redrawMs);
  return {
    draw,
    async close(): Promise<void> {
      isClosed = true;
      clearInterval(redraw);
      await terminal.out(leave);
    },
  };
}
