import { Monitor, Moon, Sun } from "lucide-react";
import { setTheme, type Theme, useTheme } from "@/shared/lib/theme";
import { Button } from "@/shared/ui/button";
import { Menu, MenuRadioGroup, MenuRadioItem } from "@/shared/ui/menu";

const THEMES = [
  { theme: "system", name: "System", Icon: Monitor },
  { theme: "light", name: "Light", Icon: Sun },
  { theme: "dark", name: "Dark", Icon: Moon },
] as const;

export function ThemeMenu() {
  const theme = useTheme();
  const { Icon, name } = THEMES.find((entry) => entry.theme === theme) ?? THEMES[0];
  return (
    <Menu
      trigger={
        <Button look="quiet" size="icon" aria-label={`Theme: ${name}`}>
          <Icon aria-hidden />
        </Button>
      }
    >
      <MenuRadioGroup value={theme} onValueChange={(value) => setTheme(value as Theme)}>
        {THEMES.map((entry) => (
          <MenuRadioItem key={entry.theme} value={entry.theme}>
            <entry.Icon aria-hidden />
            {entry.name}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
    </Menu>
  );
}
