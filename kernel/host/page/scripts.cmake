# The page's scripts in the order in which they are joined into one.
set(page_scripts parts numbers ask address colours results table series chart curves parallel scatter samples overview configuration experiment
                 trial running experiments page)
