include(CMakePackageConfigHelpers)
install(TARGETS ravine ravine_static EXPORT ravine_targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/ravine.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
