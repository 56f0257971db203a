// Before anything is drawn: say that scripts run, so that what needs them shows and what stands in for them hides.
document.documentElement.classList.add("js");
