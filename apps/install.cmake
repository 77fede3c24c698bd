# cmake --install: programs, manual pages and completions; the engine for other projects (find_package(mininmt));
# and Debian packages (cpack): mininmt, libmininmt-dev.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Pages and completions, by the programs themselves from the options that they declare.
set(pages ${PROJECT_BINARY_DIR}/manual)
foreach(program train beam story toy)
  set(name mininmt-${program})
  install(TARGETS ${name} RUNTIME COMPONENT programs)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "no manual page and completion of ${name}: it doesn't run on this machine")
    continue()
  endif()
  add_custom_command(TARGET ${name} POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
    COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${name}> --help-man > ${pages}/${name}.1
    COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${name}> --help-bash > ${pages}/${name})
  install(FILES ${pages}/${name}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT programs)
  install(FILES ${pages}/${name} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT programs)
endforeach()
if(TARGET mininmt-train-mpi)  # which mininmt-train becomes under mpirun
  install(TARGETS mininmt-train-mpi RUNTIME COMPONENT programs)
endif()
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT programs)

# The engine and the models: target mininmt::mininmt.
set(engine_headers ${CMAKE_INSTALL_INCLUDEDIR}/mininmt)
target_include_directories(mininmt INTERFACE $<INSTALL_INTERFACE:${engine_headers}>)
target_compile_features(mininmt INTERFACE $<INSTALL_INTERFACE:cxx_std_20>)
target_compile_definitions(mininmt INTERFACE $<INSTALL_INTERFACE:MININMT_VERSION="${PROJECT_VERSION}">)
target_link_libraries(mininmt INTERFACE $<INSTALL_INTERFACE:OpenMP::OpenMP_CXX>)
install(TARGETS mininmt EXPORT mininmt-targets ARCHIVE COMPONENT development)
install(DIRECTORY tensor autograd ops cuda nn DESTINATION ${engine_headers} COMPONENT development
        FILES_MATCHING PATTERN "*.h")
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mininmt)
install(EXPORT mininmt-targets NAMESPACE mininmt:: DESTINATION ${config_folder} COMPONENT development)
file(CONFIGURE OUTPUT mininmtConfig.cmake @ONLY CONTENT [[
include(CMakeFindDependencyMacro)
find_dependency(OpenMP)
find_dependency(ZLIB)
if("@with_cuda@")
  find_dependency(CUDAToolkit)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/mininmt-targets.cmake)
]])
write_basic_package_version_file(mininmtConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mininmtConfig.cmake ${PROJECT_BINARY_DIR}/mininmtConfigVersion.cmake
        DESTINATION ${config_folder} COMPONENT development)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the authors of mininmt")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL programs development)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME mininmt)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION "neural machine translation with RNNsearch and its relatives
Trains translators on parallel text and translates with them: RNNsearch, the
model that introduced attention, and the models before and after it.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libmininmt-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "neural machine translation in C++: tensors, autodiff, models
The library of mininmt, static, with its headers and its CMake package.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS zlib1g-dev)
if(ONEDNN_INCLUDE_DIR AND ONEDNN_LIBRARY)
  string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libdnnl-dev")
endif()
include(CPack)
