# LunikDeps.cmake: third-party sources, fetched by the lock file.
