"use client";

import { type PointerEvent, type RefObject, useEffect, useId, useRef, useState } from "react";
import { cx } from "@/parts/cx";
import { span } from "./figures";
import { niceCeiling, type Sample, shownMs } from "./series";
import { adminTestids } from "./testids";

/** How a line looks: colour and dashes both, so that neither is needed to tell lines apart. */
const LOOKS = [
  { colour: "text-accent", dashes: undefined },
  { colour: "text-warn", dashes: "6 3" },
  { colour: "text-danger", dashes: "2 3" },
] as const;

/** Until it is measured. */
const WIDTH = 480;
const HEIGHT = 180;
const LEFT = 60;
const BOTTOM = 20;
const TOP = 8;
/** Where the line of time is marked, as shares of what is shown. */
const MARKS = [1, 0.8, 0.6, 0.4, 0.2];

export interface Line {
  label: string;
  pick: (sample: Sample) => number;
}

interface ChartProps {
  title: string;
  lines: readonly Line[];
  samples: readonly Sample[];
  nowMs: number;
  format: (value: number) => string;
}

/** Lines over the last minutes. The legend tells the value under the pointer, else the newest. */
export function Chart({ title, lines, samples, nowMs, format }: ChartProps) {
  const titleId = useId();
  const [pointed, setPointed] = useState<number | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const width = useWidth(svg);
  const values = lines.flatMap(({ pick }) => samples.map(pick)).filter(Number.isFinite);
  const top = niceCeiling(Math.max(0, ...values));
  const shown = shownMs(samples, nowMs);
  const x = (atMs: number) => LEFT + ((atMs - (nowMs - shown)) / shown) * (width - LEFT);
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const told = (pointed === null ? undefined : nearest(samples, pointed)) ?? samples.at(-1);

  const point = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    setPointed(nowMs - shown + ((at - LEFT) / (width - LEFT)) * shown);
  };

  return (
    <figure aria-labelledby={titleId} data-testid={adminTestids.chart} className="flex min-w-0 flex-1 flex-col gap-2">
      <figcaption className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <span id={titleId} className="font-medium text-sm">
          {title}
        </span>
        {lines.map(({ label, pick }, index) => (
          <span key={label} className="flex items-baseline gap-1.5 text-muted text-sm">
            <svg aria-hidden="true" viewBox="0 0 18 6" className={cx("h-1.5 w-4.5", LOOKS[index]?.colour)}>
              <line
                x1="0"
                x2="18"
                y1="3"
                y2="3"
                stroke="currentColor"
                strokeWidth="2"
                strokeDasharray={LOOKS[index]?.dashes}
              />
            </svg>
            {label}
            <span className="font-medium text-text tabular-nums">{told ? format(pick(told)) : "–"}</span>
          </span>
        ))}
      </figcaption>
      <svg
        ref={svg}
        aria-hidden="true"
        viewBox={`0 0 ${width} ${HEIGHT}`}
        className="h-[180px] w-full touch-pan-y"
        onPointerMove={point}
        onPointerLeave={() => setPointed(null)}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share} className="text-line">
            <line x1={LEFT} x2={width} y1={y(top * share)} y2={y(top * share)} stroke="currentColor" strokeWidth="1" />
            <text x={LEFT - 8} y={y(top * share) + 4} textAnchor="end" className="fill-muted text-xs">
              {format(top * share)}
            </text>
          </g>
        ))}
        {MARKS.map((share) => (
          <text key={share} x={x(nowMs - share * shown)} y={HEIGHT - 4} className="fill-muted text-xs">
            −{span(share * shown)}
          </text>
        ))}
        {lines.map(({ label, pick }, index) => (
          <path
            key={label}
            d={pathOf(samples, pick, x, y)}
            fill="none"
            stroke="currentColor"
            strokeWidth="2"
            strokeLinejoin="round"
            strokeDasharray={LOOKS[index]?.dashes}
            className={LOOKS[index]?.colour}
          />
        ))}
        {pointed !== null && told ? (
          <line
            x1={x(told.atMs)}
            x2={x(told.atMs)}
            y1={TOP}
            y2={HEIGHT - BOTTOM}
            stroke="currentColor"
            strokeWidth="1"
            className="text-line-strong"
          />
        ) : null}
      </svg>
    </figure>
  );
}

/** The width on screen, so that letters keep their size. */
function useWidth(element: RefObject<SVGSVGElement | null>): number {
  const [width, setWidth] = useState(WIDTH);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry?.contentRect.width ?? WIDTH)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

function nearest(samples: readonly Sample[], atMs: number): Sample | undefined {
  let best: Sample | undefined;
  for (const sample of samples) {
    if (!best || Math.abs(sample.atMs - atMs) < Math.abs(best.atMs - atMs)) best = sample;
  }
  return best;
}

/** A line breaks where nothing was told, so that a gap never looks like a figure. */
function pathOf(
  samples: readonly Sample[],
  pick: Line["pick"],
  x: (atMs: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let isDown = false;
  for (const sample of samples) {
    const value = pick(sample);
    if (!Number.isFinite(value)) {
      isDown = false;
      continue;
    }
    path += `${isDown ? "L" : "M"}${x(sample.atMs).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  }
  return path;
}
