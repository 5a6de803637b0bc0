import { ClipboardList, type IconNode, Mail, MessagesSquare, UserRound } from "lucide";
import { h } from "preact";
import { t } from "../i18n";

const IN: { icon: IconNode; color: string }[] = [
  { icon: Mail, color: "email" },
  { icon: MessagesSquare, color: "webchat" },
  { icon: ClipboardList, color: "task" },
];
const OUT = [0, 1, 2];
const TOP = 36;
const GAP = 74;

/** Channels on the left, people on the right, one room between them. */
export function Picture() {
  const middle = TOP + GAP;
  return (
    <svg class="picture" viewBox="0 0 640 220" role="img" aria-label={t("landing.picture")}>
      {IN.map(({ color }, index) => (
        <path key={color} class={`wire ${color}`} d={`M64 ${TOP + index * GAP} C 180 ${TOP + index * GAP}, 190 ${middle}, 280 ${middle}`} />
      ))}
      {OUT.map((row) => (
        <path key={row} class="wire out" d={`M360 ${middle} C 450 ${middle}, 460 ${TOP + row * GAP}, 576 ${TOP + row * GAP}`} />
      ))}
      {IN.map(({ icon, color }, index) => (
        <Node key={color} x={42} y={TOP + index * GAP} icon={icon} color={color} />
      ))}
      {OUT.map((row) => (
        <Node key={row} x={598} y={TOP + row * GAP} icon={UserRound} color="webchat" />
      ))}
      <g transform={`translate(280 ${middle - 40})`}>
        <rect class="room" width="80" height="80" rx="22" />
        <g class="room-wires">
          <path d="M18 26h14c14 0 16 28 30 28" />
          <path d="M18 54h14c4 0 7-2 9-4.500" opacity="0.6" />
          <circle cx="62" cy="54" r="5.500" />
        </g>
      </g>
    </svg>
  );
}

function Node({ x, y, icon, color }: { x: number; y: number; icon: IconNode; color: string }) {
  return (
    <g transform={`translate(${x - 22} ${y - 22})`} class={`knot ${color}`}>
      <rect width="44" height="44" rx="14" />
      <g transform="translate(12 12) scale(0.833)">
        {icon.map(([tag, attributes], index) => h(tag, { ...attributes, key: index }))}
      </g>
    </g>
  );
}
