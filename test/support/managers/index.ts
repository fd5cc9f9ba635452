export { MANAGERS, type Manager, managerCommand } from './programs.ts'
export { createManagerProject, type ManagerProject, type ManagerProjectOptions, managerEnvironment } from './project.ts'
export { ManagerKilled, type ManagerRunOptions, runManager } from './run.ts'
