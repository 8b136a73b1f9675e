// How much room the right edge of the chart keeps free of candles: for zone labels, and the bars beside them.

export const NARROW_PANE = 620;
export const LABEL_PX = { wide: 128, narrow: 104 };
const LABEL_GAP_PX = 14;
const MIDDLE_PANE = 860;

/** Return how wide the bars are. */
export const barsFor = (paneWidth) => (paneWidth < NARROW_PANE ? 48 : paneWidth < MIDDLE_PANE ? 64 : 96);

/** Return how much room bars take beside the labels; where there is little, labels lie over them. */
export const asideFor = (paneWidth, shown) => (shown && paneWidth >= NARROW_PANE ? barsFor(paneWidth) : 0);

/** Return the room of both. */
export const edgeFor = (paneWidth, shown) =>
  LABEL_PX[paneWidth < NARROW_PANE ? "narrow" : "wide"] + LABEL_GAP_PX + asideFor(paneWidth, shown);
