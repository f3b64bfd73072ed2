# What a wheel holds beside python/ravine (pyproject.toml): the library under its one name, since a
# wheel has no symbolic links, and the command.
install(FILES $<TARGET_FILE:ravine> DESTINATION ravine RENAME libravine.so COMPONENT python)
if(RAVINE_COMMAND)
    install(PROGRAMS $<TARGET_FILE:ravine_command> DESTINATION ravine/bin COMPONENT python)
endif()
