// Runs before the first paint, so that the page never flashes in the other colours; a module would come too late.
{
  const CHOICES = ['system', 'light', 'dark'];
  const KEY = 'harvestline.colours';

  /** @returns {string} */
  const chosen = () => {
    try {
      const stored = localStorage.getItem(KEY) ?? '';
      return CHOICES.includes(stored) ? stored : 'system';
    } catch {
      // A browser may refuse storage; the colours are then those of the system at each start.
      return 'system';
    }
  };

  document.documentElement.dataset['colours'] = chosen();

  addEventListener('harvestline:next-colours', () => {
    const now = document.documentElement.dataset['colours'] ?? 'system';
    const next = CHOICES[(CHOICES.indexOf(now) + 1) % CHOICES.length] ?? 'system';
    document.documentElement.dataset['colours'] = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Not kept, as above.
    }
  });
}
