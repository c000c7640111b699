/** `down`: decisions cannot be had, or cannot be ALLOW. `degraded`: they go on, and somebody should look. */
export const healthStatuses = ['ok', 'degraded', 'down'] as const;

export type HealthStatus = (typeof healthStatuses)[number];

export const componentNames = [
  'sloFiles',
  'prometheus',
  'scheduler',
  'database',
  'disk',
  'eventLoop',
  'certificates',
] as const;

export type ComponentName = (typeof componentNames)[number];

/** What is found of one component at one moment. */
export interface Finding {
  readonly status: HealthStatus;
  /** One sentence: what is, and where it is not as it should be, what helps. */
  readonly message: string;
  readonly lastError: string | null;
  /** Where it has a meaning; null where it is not known yet. */
  readonly latencyMs?: number | null;
  readonly details?: Readonly<Record<string, number | string | null>>;
}

export interface ComponentHealth extends Finding {
  /** Epoch milliseconds since when it has this status. */
  readonly sinceMs: number;
}

/** Everything that is known, without asking anybody. */
export interface HealthReport {
  /** The worst of the components. */
  readonly status: HealthStatus;
  readonly checkedAtMs: number;
  /** Those that this server has: no `prometheus` with synthetic fixtures, no `certificates` without TLS. */
  readonly components: Readonly<Partial<Record<ComponentName, ComponentHealth>>>;
}

/** The room on the database's file system, and what the database takes of it. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly sizeBytes: number;
  /** With its write-ahead log. */
  readonly databaseBytes: number;
}

/** What this process takes of its machine. */
export interface SystemReport {
  readonly startedAtMs: number;
  readonly uptimeSeconds: number;
  readonly cpu: {
    readonly userSeconds: number;
    readonly systemSeconds: number;
    /** Of one core, over `intervalSeconds`; null before the first interval has passed. */
    readonly percent: number | null;
    readonly intervalSeconds: number;
    readonly cores: number;
    /** Of the machine, over 1, 5 and 15 minutes. */
    readonly loadAverage: readonly number[];
  };
  readonly memory: {
    readonly rssBytes: number;
    readonly heapUsedBytes: number;
    readonly heapTotalBytes: number;
    readonly externalBytes: number;
    /** Of the control group, or else of the machine. */
    readonly limitBytes: number;
  };
  /** null where the system does not tell. */
  readonly fileDescriptors: { readonly open: number | null; readonly limit: number | null };
  /** Of the audit database's file system. */
  readonly disk: DiskSpace | null;
}
